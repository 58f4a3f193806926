"""The person crops, made from a tiny tree laid out as Clothing Co-Parsing is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat
from typer.testing import CliRunner

from ihp_backend.datasets import open_dataset
from ihp_backend.datasets.ccp import GARMENTS
from training import ccp_crops
from training.ccp_crops import MARGIN, make_crops, person
from training.prepare import main

HAIR, COAT = GARMENTS.id_of("hair"), GARMENTS.id_of("coat")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two photographs of 60 x 90 pixels, a person of 20 x 50 in the middle of each."""
    folder = tmp_path / "clothing-co-parsing"
    for name in ("photos", "annotations/pixel-level"):
        (folder / name).mkdir(parents=True)
    names = np.array(["null", *GARMENTS.names[1:]], object)[None]
    savemat(folder / "label_list.mat", {"label_list": names})
    for one in ("0001", "0002"):
        mask = np.zeros((90, 60), np.uint8)
        mask[20:30, 20:40], mask[30:70, 20:40] = HAIR, COAT
        savemat(folder / "annotations" / "pixel-level" / f"{one}.mat", {"groundtruth": mask})
        shown = np.zeros((90, 60, 3), np.uint8)
        shown[mask == HAIR], shown[mask == COAT] = (200, 0, 0), (0, 0, 200)
        Image.fromarray(shown).save(folder / "photos" / f"{one}.jpg", quality=95)
    split = tmp_path / "two.json"
    split.write_text(json.dumps({"train": ["0001"], "val": ["0002"]}))
    monkeypatch.setattr(ccp_crops, "SPLIT", split)
    return folder


def test_people_are_cut_out_with_a_margin(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "ccp"
    assert make_crops(source, root) == 2
    for name in ("ccp-human18", "ccp-garments"):
        sample = open_dataset(name, root, "val")[0]
        # Four pixels around 20 x 50 ones: 28 x 58 become 247 x 512.
        assert sample.parsing.shape == sample.image.shape[:2] == (512, 247)
        head, coat = sample.parsing[100, 123], sample.parsing[300, 123]
        assert sample.image[100, 123].argmax() == 0
        assert sample.image[300, 123].argmax() == 2
        labels = open_dataset(name, root, "val").labels
        assert (labels.names[head], labels.names[coat]) == ("hair", "coat")
        assert sample.parsing[0, 0] == 0


def test_the_margin_ends_with_the_photograph() -> None:
    mask = np.zeros((100, 40), np.uint8)
    mask[0:100, 5:20] = 1
    assert person(mask) == (0, 0, 28, 100)
    assert round(MARGIN * 100) == 8


def test_an_interrupted_run_goes_on(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "ccp"
    make_crops(source, root)
    kept = (root / "images" / "0001.jpg").stat().st_mtime_ns
    (root / "masks59" / "0002.png").unlink()
    make_crops(source, root)
    assert (root / "images" / "0001.jpg").stat().st_mtime_ns == kept
    assert (root / "masks59" / "0002.png").exists()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "photos" / "0002.jpg").unlink(), r"lacks 1 of 5 files, photos/0002\.jpg among them"),
        (lambda folder: (folder / "photos" / "0002.jpg").write_bytes(b"x"), r"0002\.jpg cannot be read"),
        (lambda folder: (folder / "label_list.mat").write_bytes(b"x"), r"label_list\.mat cannot be read"),
        (lambda folder: Image.new("RGB", (9, 9)).save(folder / "photos" / "0001.jpg"), r"has 9 x 9 pixels, its"),
        (
            lambda folder: savemat(folder / "annotations/pixel-level/0001.mat", {"groundtruth": np.zeros((90, 60))}),
            r"0001\.mat has nobody in it",
        ),
        (
            lambda folder: savemat(folder / "label_list.mat", {"label_list": np.array([["null", "wings"]], object)}),
            r"has other labels \(wings, accessories\)",
        ),
    ],
)
def test_what_is_wrong_is_named(source: Path, tmp_path: Path, harm: object, said: str) -> None:
    assert callable(harm)
    harm(source)
    with pytest.raises(ValueError, match=said):
        make_crops(source, tmp_path / "ccp")


def test_the_command_makes_and_checks_them(source: Path, tmp_path: Path) -> None:
    import typer

    app = typer.Typer()
    app.command()(main)
    done = CliRunner().invoke(app, ["ccp", "--from", str(source), "--root", str(tmp_path / "ccp")])
    assert "2 person crops" in done.output
    assert "looking at ccp-human18" in done.output
    refused = CliRunner().invoke(app, ["lip", "--from", str(source), "--root", str(tmp_path / "lip")])
    assert "given for lip" in str(refused.exception)


@pytest.mark.skipif("IHP_CCP_ROOT" not in os.environ, reason="IHP_CCP_ROOT does not name the CCP person crops")
def test_the_split_and_the_margin_are_those_of_the_real_crops() -> None:
    root = Path(os.environ["IHP_CCP_ROOT"])
    real = json.loads((root / "split.json").read_text())
    assert json.loads(ccp_crops.SPLIT.read_text()) == {name: real[name] for name in ("train", "val")}
    for one in real["val"]:
        mask = np.array(Image.open(root / "masks59" / f"{one}.png"))
        rows, columns = (np.flatnonzero((mask > 0).any(axis)) for axis in (1, 0))
        tall = rows[-1] - rows[0] + 1
        around = (columns[0], rows[0], mask.shape[1] - 1 - columns[-1], mask.shape[0] - 1 - rows[-1])
        assert max(around) / tall < MARGIN + 0.01
