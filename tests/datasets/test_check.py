"""The report on a data set, against numbers counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.clicks import central_clicks
from ihp_backend.datasets import LipDataset, Report, check_dataset

from .trees import write_mask, write_pairs


def drawn() -> dict[str, np.ndarray]:
    """Three masks of 10 x 20 pixels."""
    first = np.zeros((10, 20), np.uint8)
    first[0:4, 0:5] = 5  # 20 pixels
    first[6:10, 0:5] = 5  # another component of 20
    first[0:2, 10:12] = 13  # 4 pixels, too few for a click
    first[9, 19] = 255
    second = np.full((10, 20), 9, np.uint8)  # no background
    third = np.zeros((10, 20), np.uint8)
    third[0:4, 0:5], third[4:8, 5:10] = 14, 14  # they touch at a corner: one component
    third[8, 19] = 14  # a speck
    return {"a": first, "b": second, "c": third}


def dataset(root: Path) -> LipDataset:
    """They as LIP's validation photographs."""
    write_pairs(root, "val_images/{id}.jpg", "val_segmentations/{id}.png", drawn(), index="val_id.txt")
    return LipDataset(root, "val")


@pytest.mark.parametrize("workers", [1, 3])
def test_counts(workers: int, tmp_path: Path) -> None:
    done: list[int] = []
    report = check_dataset(dataset(tmp_path), minimum_area=10, workers=workers, progress=done.append)
    assert done == [1, 2, 3]
    assert (report.photographs, report.readable, report.faults) == (3, 3, [])
    masks = np.stack(list(drawn().values()))
    assert report.pixels.tolist() == [int((masks == label).sum()) for label in range(20)]
    assert report.ignored == 1
    assert {label: int(n) for label, n in enumerate(report.photographs_with) if n} == {0: 2, 5: 1, 9: 1, 13: 1, 14: 1}
    assert report.labels_per_photograph == 6 / 3
    assert report.components_per_photograph == (3 + 1 + 2) / 3
    assert report.initial_clicks_per_photograph == (2 + 1 + 1 + 2) / 3
    assert report.clickable_labels_per_photograph == (2 + 1 + 2) / 3
    record = json.loads(json.dumps(report.to_dict()))
    assert record["labels"][14] == {
        "id": 14, "name": "left arm", "pixels": 41, "pixel_share": round(41 / 599, 8), "photographs": 1
    }  # fmt: skip


def test_clicks_are_those_of_the_simulated_annotator(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    report = check_dataset(data, minimum_area=10)
    clicks = [
        central_clicks(data.parsing(i), np.random.default_rng(0), minimum_area=10, background_margin=1)
        for i in range(len(data))
    ]
    assert report.initial_clicks_per_photograph == sum(map(len, clicks)) / 3


def test_names_every_fault_and_goes_on(tmp_path: Path) -> None:
    data = dataset(tmp_path)
    (tmp_path / "val_images/a.jpg").write_bytes(b"no photograph")
    write_mask(tmp_path / "val_segmentations/b.png", np.zeros((3, 3), np.uint8))
    (tmp_path / "val_id.txt").write_text("a\nb\nc\nc\nd\n")
    report = check_dataset(LipDataset(tmp_path, "val"), minimum_area=10)
    faults = [str(fault) for fault in report.faults]
    assert [fault.partition(":")[0].rpartition("/")[2] for fault in faults] == ["c", "a.jpg", "b.png", "d.jpg"]
    assert "listed 2 times; list every photograph once" in faults[0]
    assert "unreadable" in faults[1]
    assert "3 x 3 pixels, but b.jpg has 20 x 10" in faults[2]
    assert "missing" in faults[3]
    assert (report.photographs, report.readable) == (5, 2)
    assert report.labels_per_photograph == 2.0
    assert len(data) == 3


def test_an_empty_data_set(tmp_path: Path) -> None:
    dataset(tmp_path)
    (tmp_path / "val_id.txt").write_text("\n")
    report: Report = check_dataset(LipDataset(tmp_path, "val"))
    assert [str(fault) for fault in report.faults] == [
        "split: no photographs; check the list of its ids and its folders"
    ]
    assert report.labels_per_photograph == 0.0
