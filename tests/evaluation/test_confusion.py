"""The data-set confusion matrix against counting pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.evaluation import confusion_matrix, intersection_over_union, mean_iou
from ihp_backend.evaluation.confusion import mean_iou_of_shown_labels


@given(st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 255]), st.integers(0, 3)), min_size=1, max_size=60))
def test_equal_to_counting(pixels: list[tuple[int, int]]) -> None:
    slow = np.zeros((4, 4), int)
    for true, found in pixels:
        if true != 255:
            slow[true, found] += 1
    maps = np.array(pixels, np.uint8).T[:, None]
    np.testing.assert_array_equal(confusion_matrix(maps[0], maps[1], 4), slow)


def test_iou_by_hand() -> None:
    confusion = np.array([[6, 2, 0], [1, 3, 0], [0, 0, 0]])
    iou = intersection_over_union(confusion)
    np.testing.assert_allclose(iou[:2], [6 / 9, 3 / 6])
    assert np.isnan(iou[2])
    assert mean_iou(confusion) == pytest.approx(100 * (6 / 9 + 3 / 6) / 2)


def test_sums_over_photographs_before_dividing() -> None:
    one, other = np.array([[90, 10], [0, 0]]), np.array([[0, 0], [10, 10]])
    assert mean_iou(one + other) == pytest.approx(100 * (90 / 110 + 10 / 30) / 2)


def test_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"predicted: \(2, 3\) and true parsing \(3, 2\) differ"):
        confusion_matrix(np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint8), 2)
    with pytest.raises(ValueError, match="label id 7 found, but the label set ends at 4"):
        confusion_matrix(np.full((2, 2), 7, np.uint8), np.zeros((2, 2), np.uint8), 5)


def test_of_many_at_once_only_labels_that_occur_count() -> None:
    rng = np.random.default_rng(0)
    confusions = rng.integers(1, 50, (20, 5, 5))
    confusions[:10, 2] = 0  # Found in places, and nowhere to be found.
    wanted = []
    for confusion in confusions:
        shown = [label for label in range(5) if confusion[label].sum()]
        hits = {label: confusion[label, label] for label in shown}
        wanted.append(np.mean([100 * hits[n] / (confusion[n].sum() + confusion[:, n].sum() - hits[n]) for n in shown]))
    np.testing.assert_allclose(mean_iou_of_shown_labels(confusions), wanted)
