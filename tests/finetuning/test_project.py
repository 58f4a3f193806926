"""The measurement of fine-tuning jobs: its label set, its results, and that it goes on where it was."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from ihp_backend.labels import CCP, match_labels
from tests.finetuning.project import looks, run
from tests.finetuning.project.labels import LABELS, STRANGE, ProjectDataset
from tests.finetuning.project.results import COLUMNS, show
from tests.finetuning.project.run import Plan, result_file, run_seed


def test_the_model_does_not_know_six_of_its_labels() -> None:
    assert match_labels(LABELS.names, CCP).unmatched == STRANGE


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of one photograph that shows every garment, a row each."""
    for name in ("images", "masks24", "masks59"):
        (tmp_path / name).mkdir()
    rows = np.repeat(np.arange(59, dtype=np.uint8)[:, None], 4, axis=1)
    Image.fromarray(np.zeros((59, 4, 3), np.uint8)).save(tmp_path / "images" / "1.jpg")
    Image.fromarray(rows).save(tmp_path / "masks59" / "1.png")
    (tmp_path / "split.json").write_text(json.dumps({"train": ["1"], "val": ["1"]}))
    return tmp_path


def test_a_copy_at_night_shows_the_same_in_the_dark(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (59, 4, 3), np.uint8)
    Image.fromarray(image).save(data / "images" / "1.jpg")
    night = tmp_path_factory.mktemp("night")
    looks.copy(data, night)
    before, after = ProjectDataset(data, "train")[0], ProjectDataset(night, "train")[0]
    np.testing.assert_array_equal(before.parsing, after.parsing)
    assert after.image.shape == before.image.shape
    assert (after.image == after.image[..., :1]).all()
    assert after.image.mean() < 0.45 * before.image.mean()
    first = (night / "images" / "1.jpg").read_bytes()
    (night / "images" / "1.jpg").unlink()
    looks.copy(data, night)
    assert (night / "images" / "1.jpg").read_bytes() == first


@pytest.mark.parametrize(
    ("garment", "label"),
    [
        (0, "background"),
        (7, "boots"),
        (17, "eyewear"),
        (18, "background"),
        (19, "hair"),
        (41, "skin"),
        (58, "footwear"),
    ],
)
def test_garments_become_the_labels_of_the_project(data: Path, garment: int, label: str) -> None:
    parsing = ProjectDataset(data, "train").parsing(0)
    assert set(np.unique(parsing)) == set(range(len(LABELS)))
    assert LABELS.names[parsing[garment, 0]] == label


def results(out: Path, seed: int, step: str, value: float, **job: object) -> None:
    file = result_file(out, seed, step)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"measured": dict.fromkeys(COLUMNS, value), **job}))


def test_table_and_curves(tmp_path: Path) -> None:
    for seed, gained in enumerate((10.0, 14.0)):
        results(tmp_path, seed, "0", 30.0)
        results(tmp_path, seed, "25", 30.0 + gained, state=("promoted", "rejected")[seed], minutes=3.0)
    show(tmp_path, [25, 0], 2, Console(quiet=True))
    with (tmp_path / "results.csv").open(newline="") as file:
        base, learned = csv.DictReader(file)
    assert (base["accepted"], base[COLUMNS["unclicked"]], base["promoted"]) == ("0", "30.0 ± 0.0", "")
    assert (learned[COLUMNS["clicked"]], learned["promoted"]) == ("42.0 ± 2.8", "1 of 2")
    assert (tmp_path / "unclicked.png").stat().st_size > 1000


def test_what_is_there_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results(tmp_path, 0, "0", 30.0)
    results(tmp_path, 0, "25", 40.0, state="promoted", minutes=3.0)
    monkeypatch.setattr(run, "running", lambda *_: pytest.fail("Label Studio is started"))
    run_seed(Plan(tmp_path, tmp_path, [0, 25], None, None, 60, 0, False), 0, Console(quiet=True))
