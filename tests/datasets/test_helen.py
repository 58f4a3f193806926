"""Helen's probability maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.datasets import SampleError, open_dataset
from ihp_backend.datasets.helen import most_probable
from ihp_backend.labels import HELEN

from .trees import write_helen, write_mask


def maps(*columns: dict[int, int]) -> np.ndarray:
    """Probability maps of one row, per column the probabilities of some labels."""
    stack = np.zeros((11, 1, len(columns)), np.uint8)
    for column, probabilities in enumerate(columns):
        for label, probability in probabilities.items():
            stack[label, 0, column] = probability
    return stack


def test_the_most_probable_label_counts() -> None:
    parsing = most_probable(maps({0: 255}, {0: 100, 10: 155}, {0: 200, 10: 55}, {6: 120, 1: 135}))
    assert parsing.tolist() == [[0, 10, 0, 1]]


def test_ties_go_to_a_part_and_nothing_to_the_background() -> None:
    parsing = most_probable(maps({0: 127, 10: 127}, {2: 90, 4: 90, 0: 75}, {}, {0: 1}))
    assert parsing.tolist() == [[10, 2, 0, 0]]


@given(st.lists(st.integers(0, 3), min_size=11, max_size=11))
def test_against_a_slow_reference(probabilities: list[int]) -> None:
    best = 0
    for label in range(1, 11):
        part = probabilities[label]
        if part > 0 and (part > probabilities[best] or (best == 0 and part == probabilities[0])):
            best = label
    assert most_probable(np.array(probabilities, np.uint8).reshape(11, 1, 1)).item() == best


def tree(root: Path) -> Path:
    """Two exemplars, one of them with soft edges, and one tuning photograph."""
    hard = np.zeros((11, 20, 16), np.uint8)
    hard[0] = 255
    hard[0, 4:, 3:12], hard[1, 4:, 3:12] = 0, 255
    soft = hard.copy()
    soft[0, :5], soft[10, :5] = 100, 155
    write_helen(root, {"232194_1": hard, "10405424_1": soft}, "exemplars.txt")
    return write_helen(root, {"99_2": soft}, "tuning.txt")


@pytest.mark.parametrize("around", ["", "SmithCVPR2013_dataset_resized"])
def test_reads(around: str, tmp_path: Path) -> None:
    inner = tmp_path / around
    inner.mkdir(exist_ok=True)
    tree(inner)
    dataset = open_dataset("helen", tmp_path, "train")
    assert list(dataset.ids) == ["232194_1", "10405424_1"]
    assert dataset.labels is HELEN
    assert dataset[0].image.shape == (20, 16, 3)
    assert np.unique(dataset[0].parsing).tolist() == [0, 1]
    # Hair is more probable than the background but not than the face of the row below.
    assert dataset[1].parsing[:, 5].tolist() == [10] * 4 + [1] * 16
    assert list(open_dataset("helen", tmp_path, "val").ids) == ["99_2"]


def test_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lacks images and labels and testing\.txt; give the folder Smith"):
        open_dataset("helen", tmp_path, "test")
    root = tree(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"lacks testing\.txt; give the folder"):
        open_dataset("helen", root, "test")
    with pytest.raises(ValueError, match=r"split: 'tuning' does not exist; Helen has train, val, test"):
        open_dataset("helen", root, "tuning")
    write_mask(root / "labels/99_2/99_2_lbl03.png", np.zeros((9, 9), np.uint8))
    with pytest.raises(SampleError, match=r"99_2_lbl03\.png: 9 x 9 pixels, but 99_2_lbl00\.png has 16 x 20"):
        open_dataset("helen", root, "val")[0]
    (root / "labels/99_2/99_2_lbl03.png").unlink()
    with pytest.raises(SampleError, match=r"99_2_lbl03\.png: missing; unpack"):
        open_dataset("helen", root, "val")[0]
    (root / "tuning.txt").write_text("99_2\n")
    with pytest.raises(ValueError, match=r"tuning\.txt: line '99_2' is not 'number, name'"):
        open_dataset("helen", root, "val")
    (root / "tuning.txt").write_text("")
    with pytest.raises(ValueError, match=r"split: 'val' of helen in .* has no photographs"):
        open_dataset("helen", root, "val")


def test_the_relabelled_copy_is_refused(tmp_path: Path) -> None:
    for name in ("images", "labels", "edges"):
        (tmp_path / name).mkdir()
    (tmp_path / "train_list.txt").write_text("images/1.jpg labels/1.png\n")
    with pytest.raises(FileNotFoundError, match=r"holds the relabelled Helen, .* cannot be compared"):
        open_dataset("helen", tmp_path, "train")
