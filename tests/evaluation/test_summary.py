"""Figures as files."""

from __future__ import annotations

import csv
import json
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend.evaluation import Annotator, Curve, NearestClick, evaluate, plot_curves, provenance, summarise
from ihp_backend.evaluation.provenance import commit
from ihp_backend.evaluation.summary import mean_and_spread, write_curve, write_json, write_labels, write_measures
from tests.evaluation.stand_ins import LABELS, Columns


@pytest.fixture(scope="module")
def curves() -> list[Curve]:
    return evaluate(partial(NearestClick, LABELS), Columns(), range(4), Annotator(corrections=3), [0, 1, 2])


def test_json_holds_every_seed_and_round_and_null_for_nothing(curves: list[Curve], tmp_path: Path) -> None:
    write_json(tmp_path / "curve.json", {"note": float("nan"), **summarise(curves, LABELS)})
    read = json.loads((tmp_path / "curve.json").read_text())
    assert read["note"] is None
    assert read["mean_iou"] == pytest.approx(np.array([curve.mean_ious() for curve in curves]))
    assert read["labels"]["never"] == [[None] * 4] * 3
    assert read["additional_clicks"]["85"] == [None] * 3
    assert read["number_of_clicks"]["90"][0]["failures"] == 4
    assert read["labels_per_photograph"] == 4


def test_tables_hold_means_and_spreads(curves: list[Curve], tmp_path: Path) -> None:
    write_curve(tmp_path / "curve.csv", curves)
    write_measures(tmp_path / "measures.csv", curves)
    write_labels(tmp_path / "labels.csv", curves, LABELS)
    with (tmp_path / "curve.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["corrections", "seed 0", "seed 1", "seed 2"]
    by_seed = np.array(rows, float)[:, 1:]
    with (tmp_path / "measures.csv").open() as file:
        measures = list(csv.DictReader(file))
    assert [float(row["mean_iou"]) for row in measures] == pytest.approx(by_seed.mean(1), abs=1e-3)
    assert [float(row["mean_iou_spread"]) for row in measures] == pytest.approx(by_seed.std(1, ddof=1), abs=1e-3)
    assert measures[0]["changed_far"] == ""  # Before the first correction nothing can have changed.
    with (tmp_path / "labels.csv").open() as file:
        labels = {row["label"]: row["3"] for row in csv.DictReader(file)}
    assert labels["never"] == ""
    assert 0 < float(labels["head"]) < 100


def test_spread_of_a_single_seed_is_unknown() -> None:
    mean, spread = mean_and_spread([[1.0, 2.0]])
    assert mean == [1, 2]
    assert np.isnan(spread).all()


def test_a_plot_shows_every_method(tmp_path: Path) -> None:
    alone, both = tmp_path / "alone.png", tmp_path / "both.png"
    ours = [[1.0, 2.0, 4.0], [1.0, 3.0, 5.0]]
    plot_curves(alone, {"ours": ours}, "mIoU (%)", "title")
    plot_curves(both, {"ours": ours, "theirs": [[4.0, 2.0]]}, "mIoU (%)", "title", positions={"theirs": [0.5, 1.5]})
    pictures = [np.array(Image.open(path).convert("RGB")).reshape(-1, 3) for path in (alone, both)]
    second_colour = np.array([0xD5, 0x5E, 0x00])
    assert [bool((picture == second_colour).all(1).any()) for picture in pictures] == [False, True]


def test_many_names_stand_beside_the_curves(tmp_path: Path) -> None:
    widths = []
    for methods in (7, 8):
        plot_curves(tmp_path / "plot.png", {f"method {number}": [[1.0, 2.0]] for number in range(methods)}, "", "")
        widths.append(Image.open(tmp_path / "plot.png").width)
    assert widths[1] > 1.1 * widths[0]


def test_a_plot_of_uneven_seeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"curves: 'ours' has values for \[1, 2\] rounds"):
        plot_curves(tmp_path / "plot.png", {"ours": [[1.0], [1.0, 2.0]]}, "", "")


def test_provenance_is_complete() -> None:
    found = provenance("training.evaluate")
    assert str(found["command"]).startswith("python -m training.evaluate")
    assert str(found["machine"]).endswith("cores")
    assert found["packages"]["numpy"] == np.__version__  # type: ignore[index]


def test_a_commit_is_marked_where_code_was_changed_and_not_where_figures_were(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.org")
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    (tmp_path / "room").mkdir()
    for name in ("room/code.py", "room/config.yaml", "figures.json"):
        (tmp_path / name).write_text("1")
    git("init")
    git("add", "--all")
    git("commit", "--message", "first")
    assert len(commit(tmp_path / "room")) == 40
    (tmp_path / "figures.json").write_text("2")
    assert not commit(tmp_path / "room").endswith("+")
    (tmp_path / "room" / "config.yaml").write_text("2")
    assert commit(tmp_path / "room").endswith("+")
