"""The command: what it prints, writes, resumes and refuses."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from ihp_backend.clicks import Click
from ihp_backend.evaluation import NearestClick
from ihp_backend.labels import CCP
from ihp_backend.parsing import Parse
from training.evaluate import main
from training.evaluation_models import parser_maker
from training.pre_annotated import PreAnnotated

command = typer.Typer()
command.command()(main)


class Constant:
    """A parser whose scenes are photographs."""

    labels = CCP
    version = "constant"

    def open(self, image: NDArray[np.uint8]) -> Any:
        return image


def parse_of(label_map: NDArray[np.uint8]) -> Parse:
    return Parse(label_map, np.ones(len(CCP), np.float32))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_measures_writes_and_goes_on(ccp_tree: Path, tmp_path: Path) -> None:
    arguments = ["--data", ccp_tree, "--model", "nearest", "--corrections", 3, "--seeds", 2, "--workers", 1]
    first = run(*arguments, "--out", tmp_path, "--limit", 1)
    assert first.exit_code == 0, first.output
    again = run(*arguments, "--out", tmp_path)
    run(*arguments, "--out", tmp_path / "whole")
    for part in ("mIoU after corrections", "Add.", "Avg.", "per label", "clicks obeyed: 100.00%"):
        assert part in again.output
    record, other = (json.loads((folder / "curve.json").read_text()) for folder in (tmp_path, tmp_path / "whole"))
    assert record["photographs"] == 2
    assert record["model"] == "nearest-click"
    assert record["dataset"] == "ccp"
    assert record["annotator"]["corrections"] == 3
    assert len(record["mean_iou"]) == 2
    same = {"mean_iou", "near_edge_f1", "clicks_per_label", "labels", "number_of_clicks", "all_rounds"}
    assert {name: record[name] for name in same} == {name: other[name] for name in same}
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["corrections", "seed 0", "seed 1"]
    assert len(rows) == 5
    for name in ("measures.csv", "labels.csv", "curve.png", "near_edge.png", "records.sqlite"):
        assert (tmp_path / name).stat().st_size > 100


def test_a_changed_setting_is_refused_in_one_sentence(ccp_tree: Path, tmp_path: Path) -> None:
    arguments = ["--data", ccp_tree, "--corrections", 1, "--seeds", 1, "--workers", 1, "--out", tmp_path]
    assert run(*arguments, "--model", "nearest").exit_code == 0
    refused = run(*arguments, "--model", "watershed")
    assert refused.exit_code == 1
    assert "model = nearest-click, now it is watershed-3; give another folder" in str(refused.output).replace("\n", " ")


def test_recovery_from_a_wrong_click(ccp_tree: Path, tmp_path: Path) -> None:
    shown = run(
        "--data", ccp_tree, "--model", "nearest", "--corrections", 4, "--seeds", 1, "--workers", 1,
        "--wrong-click", 2, "--out", tmp_path,
    )  # fmt: skip
    assert "a wrong click as correction 2" in shown.output
    (found,) = json.loads((tmp_path / "curve.json").read_text())["recovery"]
    assert found["lost"] > 0
    assert found["after_removing"] == pytest.approx(0)
    assert len(found["after_corrections"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nonsense"], "model: 'nonsense' is neither a packaged model"),
        (["--model", "absent.ckpt"], "checkpoint: absent.ckpt does not exist; give the path of a checkpoint"),
        (["--split", "night"], "split: 'night' does not exist"),
        (["--start", "middle"], "start: 'middle' is unknown; choose one of central, nothing"),
        (["--wrong-click", "9", "--corrections", "3"], "wrong_click: round 9 given; choose one of the rounds 1 to 3"),
        (["--model", "ccp-deeplab", "--strangers"], "answers only labels that it knows"),
        (["--dataset", "zoo"], "dataset: 'zoo' is unknown"),
    ],
)
def test_says_what_does_not_fit(ccp_tree: Path, arguments: list[str], message: str) -> None:
    refused = run("--data", ccp_tree, "--seeds", 1, "--workers", 1, *arguments)
    assert refused.exit_code == 1
    assert message in " ".join(str(refused.output).split())


def test_a_checkpoint_without_its_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    checkpoint.write_bytes(b"weights")
    with (
        pytest.raises(ValueError, match=r"checkpoint: its training.s .*config\.yaml does not exist"),
        parser_maker(str(checkpoint), CCP),
    ):
        pass


def test_masks_of_another_model_stand_until_clicks_take_them(ccp_tree: Path, tmp_path: Path) -> None:
    """Of two classical parsers: without clicks the one has nothing, so all is as if it were not there."""
    arguments = ["--data", ccp_tree, "--start", "nothing", "--corrections", 3, "--seeds", 1, "--workers", 1]
    for name, given in (("with", ["--pre-annotations", "watershed"]), ("without", [])):
        assert run(*arguments, "--model", "nearest", *given, "--out", tmp_path / name).exit_code == 0
    both = [json.loads((tmp_path / name / "curve.json").read_text()) for name in ("with", "without")]
    assert both[0]["model"] == "nearest-click, pre-annotated by watershed-3"
    assert both[0]["mean_iou"] == both[1]["mean_iou"]


def test_pre_annotated_masks_are_drawn_work() -> None:
    """They are the first answer, what the live network is told, and what stays under labels that nobody clicks."""

    class Automatic(Constant):
        def parse(self, *_: Any, **__: Any) -> Parse:
            return parse_of(np.array([[0, 1, 2, 2]], np.uint8))

    class Live(Constant):
        def parse(
            self, scene: Any, clicks: Sequence[Click], previous: NDArray[np.uint8] | None = None, last: Any = None
        ) -> Parse:
            assert previous is not None
            assert previous.tolist() == [[255, 1, 2, 2]]
            return parse_of(np.array([[3, 3, 3, 2]], np.uint8))

    parser = PreAnnotated(Live(), Automatic())
    scene = parser.open(np.zeros((1, 4, 3), np.uint8))
    assert parser.parse(scene, []).label_map.tolist() == [[0, 1, 2, 2]]
    assert parser.parse(scene, [Click(0, 0, 3)]).label_map.tolist() == [[3, 1, 2, 2]]
    assert parser.parse(scene, [Click(1, 0, 3)]).label_map.tolist() == [[3, 3, 2, 2]]
    assert parser.parse(scene, [Click(3, 0, 2)]).label_map.tolist() == [[3, 1, 3, 2]]


def test_parsers_are_made_by_name() -> None:
    with parser_maker("nearest", CCP) as make_parser:
        assert isinstance(make_parser(), NearestClick)
    with parser_maker(None, CCP, enforce_clicks=False) as make_parser:
        parser = make_parser()
        assert not parser.enforce_clicks  # type: ignore[attr-defined]
