"""The check of a data set's folder, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from ihp_backend.datasets import DATASETS, LipDataset
from ihp_backend.label_studio.masks.brush_rle import encode
from tests.datasets.trees import striped, write_mask, write_pairs
from training.dataset_options import parsed_options
from training.prepare import against_published, main

CASES = Path(__file__).parents[1] / "cases"
app = typer.Typer()
app.command()(main)


def prepare(*arguments: object) -> Result:
    """Runs the command on a wide terminal."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "300"})


def lip(root: Path) -> Path:
    """Two photographs to train on and one to judge by."""
    people = {"1": striped((13, 5, 9)), "2": striped((2, 13, 5))}
    write_pairs(root, "train_images/{id}.jpg", "train_segmentations/{id}.png", people, index="train_id.txt")
    write_pairs(root, "val_images/{id}.jpg", "val_segmentations/{id}.png", {"3": striped((13, 5))}, index="val_id.txt")
    return root


def test_a_sound_folder(tmp_path: Path) -> None:
    result = prepare("lip", "--root", lip(tmp_path), "--json", tmp_path / "out" / "report.json")
    assert result.exit_code == 0, result.output
    assert "2 photographs (not a published number: 30,462 as published)" in result.output
    assert "(K): 4.00; with a component of 60 px or more: 4.00\n" in result.output
    assert "(K): 3.00; with a component of 60 px or more: 3.00; IHP's figures imply 8.2\n" in result.output
    assert "components of parts per photograph: 2.00; initial clicks: 3.00; IHP's figures imply 9.0\n" in result.output
    assert result.output.endswith("no faults\n")
    record = json.loads((tmp_path / "out" / "report.json").read_text())
    assert list(record["splits"]) == ["train", "val"]
    train = record["splits"]["train"]
    assert (train["photographs"], train["readable"], train["labels_per_photograph"]) == (2, 2, 4.0)
    share = (striped((13, 5, 9)) == 13).sum() + (striped((2, 13, 5)) == 13).sum()
    assert train["labels"][13]["pixels"] == share
    assert train["published"] == {"30462": "as published"}


def test_faults_end_with_exit_code_1_and_are_all_named(tmp_path: Path) -> None:
    root = lip(tmp_path)
    write_mask(root / "train_segmentations/1.png", striped((1, 99)))
    (root / "train_images/2.jpg").write_bytes(b"")
    result = prepare("lip", "--root", root, "--json", tmp_path / "report.json")
    assert result.exit_code == 1
    assert "train_segmentations/1.png: ids 99 on" in result.output
    assert "train_images/2.jpg: unreadable" in result.output
    assert result.output.endswith("2 faults\n")
    faults = json.loads((tmp_path / "report.json").read_text())["splits"]["train"]["faults"]
    assert [Path(fault["file"]).name for fault in faults] == ["1.png", "2.jpg"]
    assert all(fault["remedy"] for fault in faults)
    short = prepare("lip", "--root", root, "--most-faults", 1)
    assert "and 1 more; --json FILE lists all" in short.output


def test_photographs_in_two_splits(tmp_path: Path) -> None:
    people = {"a": striped((11, 4)), "b": striped((2, 4))}
    root = write_pairs(tmp_path, "JPEGImages/{id}.jpg", "SegmentationClassAug/{id}.png", people)
    (root / "train_id.txt").write_text("a\nb\n")
    (root / "test_id.txt").write_text("b\n")
    result = prepare("atr", "--root", root)
    assert result.exit_code == 1
    assert "train and test: 1 photographs in both (b); take them out of one of the lists" in result.output
    assert result.output.endswith("1 fault\n")


def test_what_is_not_there(tmp_path: Path) -> None:
    result = prepare("cihp", "--root", tmp_path)
    assert result.exit_code == 1
    assert "holds no train split of CIHP in a known layout" in result.output
    assert "sysu-hcp.net/lip" in result.output
    one = prepare("lip", "--root", lip(tmp_path), "--split", "val", "--split", "test")
    assert one.exit_code == 1
    assert "split: 'test' does not exist; LIP has train, val" in one.output
    assert "lip val" in one.output
    assert "lip train" not in one.output
    (tmp_path / "val_id.txt").write_text("\n")
    empty = prepare("lip", "--root", tmp_path, "--split", "val")
    assert "split: no photographs; check the list of its ids" in empty.output
    assert prepare("nosuch", "--root", tmp_path).exit_code == 1


def test_a_label_studio_export(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:15, 5:15] = True
    region = {"id": "r", "type": "brushlabels", "to_name": "image", "original_width": 30, "original_height": 20,
              "value": {"rle": encode(mask), "brushlabels": ["Face"]}}  # fmt: skip
    tasks = []
    for number in range(1, 13):
        Image.new("RGB", (30, 20)).save(tmp_path / f"{number}.jpg")
        annotation = {"id": number, "result": [region], "was_cancelled": False}
        tasks.append({"id": number, "data": {"image": f"/data/upload/1/{number}.jpg"}, "annotations": [annotation]})
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    (tmp_path / "labelling_config.xml").write_text(
        '<View><Image name="image" value="$image"/><BrushLabels name="b" toName="image"><Label value="Face"/>'
        "</BrushLabels></View>"
    )
    result = prepare("label-studio", "--root", tmp_path)
    assert result.exit_code == 0, result.output
    assert result.output.count("(K): 2.00") == 2


def test_tasks_that_an_export_left_out(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    result = prepare("label-studio", "--root", CASES / "17-left-out-not-told" / "export", "--json", out)
    reasons = "6 not annotated, 1 skipped"
    assert result.exit_code == 1
    assert f"7 tasks left out: {reasons}; --left-out names them\n" in result.output
    assert "task 7: left out" not in result.output
    assert f"split: no photographs; its tasks are all in the other split, or left out ({reasons})" in result.output
    assert "list of its ids" not in result.output
    assert json.loads(out.read_text())["left_out"]["7"] == "skipped"
    full = prepare("label-studio", "--root", CASES / "17-left-out-not-told" / "export", "--left-out")
    assert "task 7: left out, skipped\n" in full.output


def test_notes_of_a_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class WithNotes(LipDataset):
        left_out: ClassVar[dict[str, str]] = dict.fromkeys("123", "skipped")
        notes: ClassVar[dict[str, tuple[str, ...]]] = {"5": tuple(f"region {n}: no mask" for n in range(30))}

    monkeypatch.setitem(DATASETS, "lip", WithNotes)
    result = prepare("lip", "--root", lip(tmp_path))
    assert result.exit_code == 0, result.output
    assert "3 tasks left out: 3 skipped; --left-out names them\n" in result.output
    assert "task 5: region 19: no mask\nand 10 more; --left-out lists all\n" in result.output
    assert "task 5: region 29: no mask\n" in prepare("lip", "--root", tmp_path, "--left-out").output


@pytest.mark.parametrize("name", ["lip", "helen", "atr", "ccp", "pascal-person-part", "label-studio", "accepted"])
def test_a_root_that_is_missing_is_said_once(name: str, tmp_path: Path) -> None:
    result = prepare(name, "--root", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert result.output.count(f"root: {tmp_path}/nowhere is missing; ") == 1
    assert "lacks" not in result.output
    assert result.output.endswith("1 fault\n")


def test_assumptions_and_options(tmp_path: Path) -> None:
    root, out = lip(tmp_path), tmp_path / "report.json"
    result = prepare("lip", "--root", root, "--json", out)
    assert "assumed: first_id: ids count from 0, the background; first_id=1 says from 1\n" in result.output
    assert f"assumed: ids: {root}/val_id.txt lists the photographs; 1 listed" in result.output
    assert json.loads(out.read_text())["splits"]["val"]["assumptions"]["sides"].startswith("left and right are the")
    options = [
        word
        for option in ("first_id=0", "ids={split}_id.txt", "layout=2", "ids_in=indices", "sides=person")
        for word in ("--option", option)
    ]
    said = prepare("lip", "--root", root, *options)
    assert said.exit_code == 0
    assert [line for line in said.output.splitlines() if "assumed" in line and "dataset" not in line] == []
    wrong = prepare("lip", "--root", root, "--option", "sides=left")
    assert "train, val: sides: 'left' is unknown; choose one of person, viewer\n" in wrong.output
    unknown = prepare("lip", "--root", root, "--option", "side=viewer")
    assert "options: 'side' is unknown; lip has layout, ids, exact_names, first_id" in unknown.output
    assert (
        "option: 'sides' is no KEY=VALUE, for example order=m2fp"
        in str(prepare("lip", "--root", root, "--option", "sides").exception)
        + prepare("lip", "--root", root, "--option", "sides").output
    )


def test_options_are_read_as_in_a_configuration() -> None:
    given = [
        "order=m2fp",
        "first_id=1",
        "val_share=0.2",
        "exact_names=true",
        "label_names={top: upper clothes}",
        "a=b=c",
    ]
    assert parsed_options(given) == {
        "order": "m2fp", "first_id": 1, "val_share": 0.2, "exact_names": True, "label_names": {"top": "upper clothes"},
        "a": "b=c",
    }  # fmt: skip
    assert parsed_options(None) == {}
    with pytest.raises(ValueError, match=r"option: 'sides' is no KEY=VALUE, for example order=m2fp"):
        parsed_options(["sides"])


@pytest.mark.parametrize(
    ("name", "split", "count", "text"),
    [
        ("pascal-person-part", "val", 1817, " (as published)"),
        ("atr", "train", 16706, " (Graphonomy's list"),
        ("label-studio", "train", 5, ""),
        ("helen", "val", 231, " [yellow](not a published number: 230 tuning)[/]"),
    ],
)
def test_published_numbers(name: str, split: str, count: int, text: str) -> None:
    assert against_published(name, split, count).startswith(text)
