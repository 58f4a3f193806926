"""Every data set of pairs in every layout that circulates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import DATASETS, open_dataset
from ihp_backend.labels import ATR, CIHP, LIP, PASCAL_PERSON_PART, LabelSet

from .trees import striped, with_sides, write_mask, write_pairs

PARTS = {
    "lip": (1, 13, 5, 14, 19),
    "cihp": (2, 13, 10, 16, 18),
    "atr": (1, 11, 4, 12, 17),
    "pascal-person-part": (1, 2, 6),
}
LABELS: dict[str, LabelSet] = {"lip": LIP, "cihp": CIHP, "atr": ATR, "pascal-person-part": PASCAL_PERSON_PART}

# data set, split, pattern of photographs, pattern of masks, list
TREES = [
    ("lip", "train", "TrainVal_images/train_images/{id}.jpg",
     "TrainVal_parsing_annotations/train_segmentations/{id}.png", "TrainVal_images/train_id.txt"),
    ("lip", "val", "TrainVal_images/val_images/{id}.jpg",
     "TrainVal_parsing_annotations/val_segmentations/{id}.png", "val_id.txt"),
    ("lip", "train", "train_images/{id}.jpg", "train_segmentations/{id}.png", "train_id.txt"),
    ("lip", "val", "Validation/Images/{id}.jpg", "Validation/Category_ids/{id}.png", None),
    ("lip", "train", "train_images/{id}.jpg", "train_labels/{id}.png", None),
    ("cihp", "train", "instance-level_human_parsing/Training/Images/{id}.jpg",
     "instance-level_human_parsing/Training/Category_ids/{id}.png", "instance-level_human_parsing/train_id.txt"),
    ("cihp", "val", "Validation/Images/{id}.jpg", "Validation/Category_ids/{id}.png", "Validation/val_id.txt"),
    ("cihp", "val", "CIHP_4w/Images/{id}.jpg", "CIHP_4w/Category_ids/{id}.png", "CIHP_4w/lists/val_id.txt"),
    ("atr", "train", "humanparsing/JPEGImages/{id}.jpg", "humanparsing/SegmentationClassAug/{id}.png", "train_id.txt"),
    ("atr", "test", "JPEGImages/{id}.jpg", "Segmentations/{id}.png", "test_id.txt"),
    ("atr", "val", "val_images/{id}.jpg", "val_segmentations/{id}.png", "val_id.txt"),
    ("atr", "test", "Testing/Images/{id}.jpg", "Testing/Category_ids/{id}.png", None),
    ("pascal-person-part", "train", "JPEGImages/{id}.jpg", "SegmentationPart/{id}.png", "list/train_id.txt"),
    ("pascal-person-part", "val", "Testing/Images/{id}.jpg", "Testing/Category_ids/{id}.png", None),
    ("pascal-person-part", "val", "img_dir/val/{id}.jpg", "ann_dir/val/{id}.png", None),
]  # fmt: skip


@pytest.mark.parametrize("palette", [False, True], ids=["grey", "palette"])
@pytest.mark.parametrize(("name", "split", "photographs", "masks", "index"), TREES)
def test_reads(
    name: str, split: str, photographs: str, masks: str, index: str | None, palette: bool, tmp_path: Path
) -> None:
    drawn = {"b_1": striped(PARTS[name]), "a_2": striped(PARTS[name], 60, 40)}
    root = write_pairs(tmp_path, photographs, masks, drawn, index=index, palette=palette)
    # A mask that no list names, and a stray file.
    if index is not None:
        write_mask(root / masks.format(id="unlisted"), drawn["b_1"])
    (root / masks.format(id="x")).with_name("Thumbs.db").write_bytes(b"")
    dataset = open_dataset(name, root, split)
    assert list(dataset.ids) == (["b_1", "a_2"] if index else ["a_2", "b_1"])
    assert dataset.labels is LABELS[name]
    for position, sample_id in enumerate(dataset.ids):
        sample = dataset[position]
        assert sample.id == sample_id
        assert sample.image.shape == (*drawn[sample_id].shape, 3)
        assert sample.image.dtype == sample.parsing.dtype == np.uint8
        np.testing.assert_array_equal(sample.parsing, drawn[sample_id])
        np.testing.assert_array_equal(dataset.parsing(position), sample.parsing)


def test_a_list_may_name_files_or_pairs_of_paths(tmp_path: Path) -> None:
    drawn = {"77_1": striped((5, 9)), "77_2": striped((1, 2))}
    root = write_pairs(tmp_path, "train_images/{id}.jpg", "train_segmentations/{id}.png", drawn)
    (root / "train_id.txt").write_text("77_2.jpg\n77_1.png\n")
    assert list(open_dataset("lip", root, "train").ids) == ["77_2", "77_1"]
    (root / "train_segmentations").rename(root / "train_labels")
    (root / "train.txt").write_text("/train_images/77_2.jpg /train_labels/77_2.png /train_edges/77_2.png\n")
    dataset = open_dataset("lip", root, "train")
    assert list(dataset.ids) == ["77_2"]
    np.testing.assert_array_equal(dataset.parsing(0), drawn["77_2"])


@pytest.mark.parametrize(("name", "left", "right"), [("lip", 14, 15), ("cihp", 18, 19), ("atr", 9, 10)])
def test_sides_change_places_in_the_mirror(name: str, left: int, right: int, tmp_path: Path) -> None:
    """A mirrored mask with swapped labels is what the "reversed" folders of the data sets hold."""
    # Seen from the front, the person's left is at the right edge of the photograph.
    drawn, mirrored = with_sides(right, left), with_sides(right, left)[:, ::-1].copy()
    mirrored[10:20, 3:6], mirrored[10:30, -8:-2] = right, left
    folder = "Testing" if name == "atr" else "Validation"
    root = write_pairs(tmp_path, folder + "/Images/{id}.jpg", folder + "/Category_ids/{id}.png", {"a": drawn})
    dataset = open_dataset(name, root, "test" if name == "atr" else "val")
    exchange = np.array(dataset.labels.mirrored_ids(), np.uint8)
    np.testing.assert_array_equal(exchange[dataset.parsing(0)[:, ::-1]], mirrored)


def test_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        open_dataset("lip", tmp_path, "val")
    text = str(caught.value)
    assert f"root: {tmp_path} holds no val split of LIP in a known layout" in text
    assert "TrainVal_images/val_images/{id}.jpg" in text
    assert "Validation/Category_ids/{id}.png" in text
    assert "LIP is to be had at sysu-hcp.net/lip" in text
    assert "Nearest" not in text
    (tmp_path / "val_images").mkdir()
    with pytest.raises(FileNotFoundError, match=r"Nearest: .*val_images is there, val_segmentations is missing"):
        open_dataset("lip", tmp_path, "val")
    with pytest.raises(FileNotFoundError, match=r"root: .*nowhere is missing; give the folder"):
        open_dataset("cihp", tmp_path / "nowhere", "val")


def test_folders_of_all_splits_need_a_list(tmp_path: Path) -> None:
    root = write_pairs(tmp_path, "JPEGImages/{id}.jpg", "SegmentationClassAug/{id}.png", {"a": striped((1, 2))})
    with pytest.raises(FileNotFoundError, match=r"JPEGImages lacks test_id\.txt or list/test_id\.txt"):
        open_dataset("atr", root, "test")


def test_unknown_names_and_splits(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"dataset: 'lipp' is unknown; choose one of ccp, ccp-human18, ccp-atr, ccp-garments, lip"
    ):
        open_dataset("lipp", tmp_path, "train")
    with pytest.raises(ValueError, match=r"split: 'test' does not exist; LIP has train, val \(the masks of its test"):
        open_dataset("lip", tmp_path, "test")


@pytest.mark.parametrize("name", [name for name in DATASETS if name in PARTS])
def test_an_empty_split(name: str, tmp_path: Path) -> None:
    split, index = "train", "train_id.txt"
    patterns = next(tree[2:4] for tree in TREES if tree[0] == name and tree[1] == split)
    root = write_pairs(tmp_path, *patterns, {"a": striped(PARTS[name])})
    (root / index).write_text("\n")
    for inner in ("instance-level_human_parsing", "TrainVal_images"):
        if (root / inner).is_dir():
            (root / index).rename(root / inner / index)
            break
    with pytest.raises(ValueError, match=rf"split: 'train' of {name} in .* has no photographs; check the list"):
        open_dataset(name, root, split)
