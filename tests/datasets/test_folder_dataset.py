"""A folder of one's own, in each of its layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ihp_backend.datasets import open_dataset, options_of
from ihp_backend.datasets.writing import write_mask
from ihp_backend.labels import IGNORE, LabelSet

NAMES = ("background", "left arm", "right arm", "beard")
MASK = np.array([[0, 1, 2, 3], [IGNORE, 3, 2, 1]], np.uint8)


def make(root: Path, photographs: str, masks: str, ids: list[str]) -> None:
    (root / "classes.txt").write_text("".join(f"{name}\n" for name in NAMES))
    for folder in (photographs, masks):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in ids:
        Image.fromarray(np.zeros((2, 4, 3), np.uint8)).save(root / photographs / f"{name}.png")
        write_mask(root / masks / f"{name}.png", MASK, LabelSet(NAMES))


def test_lists_say_which_split(tmp_path: Path) -> None:
    make(tmp_path, "images", "masks", ["a", "b c", "d"])
    (tmp_path / "train.txt").write_text("a\nb c\n")
    (tmp_path / "val.txt").write_text("d\n")
    train, val = (open_dataset("folder", tmp_path, split) for split in ("train", "val"))
    assert (list(train.ids), list(val.ids)) == (["a", "b c"], ["d"])
    assert train.labels.names == NAMES
    assert train.labels.flip_pairs == ((1, 2),)
    np.testing.assert_array_equal(val[0].parsing, MASK)
    with pytest.raises(FileNotFoundError, match=r"lacks test\.txt"):
        open_dataset("folder", tmp_path, "test")


@pytest.mark.parametrize(("photographs", "masks"), [("images", "masks"), ("img_dir", "ann_dir")])
def test_a_folder_for_each_split(tmp_path: Path, photographs: str, masks: str) -> None:
    for split, ids in (("train", ["a", "b"]), ("val", ["c"])):
        make(tmp_path, f"{photographs}/{split}", f"{masks}/{split}", ids)
    assert list(open_dataset("folder", tmp_path, "train").ids) == ["a", "b"]
    np.testing.assert_array_equal(open_dataset("folder", tmp_path, "val").parsing(0), MASK)


def test_another_list_of_classes(tmp_path: Path) -> None:
    make(tmp_path, "images/val", "masks/val", ["a"])
    (tmp_path / "mine.txt").write_text("nothing\none\ntwo\nthree\nfour\n")
    dataset = open_dataset("folder", tmp_path, "val", {"classes": "mine.txt"})
    assert dataset.labels.names == ("nothing", "one", "two", "three", "four")
    assert {"classes", "ids", "layout", "first_id", "upright"} <= set(options_of("folder"))


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (None, "classes: .*classes.txt is missing; write the name of each class into it"),
        ("", "classes: .*classes.txt: names: 0 labels given"),
        ("a\nb\na\n", r"classes: .*classes.txt: names: \['a'\] given more than once"),
    ],
)
def test_a_list_of_classes_that_is_none(tmp_path: Path, classes: str | None, said: str) -> None:
    make(tmp_path, "images/val", "masks/val", ["a"])
    (tmp_path / "classes.txt").unlink()
    if classes is not None:
        (tmp_path / "classes.txt").write_text(classes)
    with pytest.raises((FileNotFoundError, ValueError), match=said):
        open_dataset("folder", tmp_path, "val")


def test_what_is_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"root: .*nowhere is missing; give a folder with images"):
        open_dataset("folder", tmp_path / "nowhere", "train")
    (tmp_path / "classes.txt").write_text("background\nhat\n")
    with pytest.raises(FileNotFoundError, match=r"holds no train split of a folder of your own in a known layout"):
        open_dataset("folder", tmp_path, "train")
