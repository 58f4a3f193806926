"""The data-set confusion matrix against counting pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import fsolve

from ihp_backend.evaluation import confusion_matrix, intersection_over_union, mean_f1, mean_iou
from ihp_backend.evaluation.confusion import (
    f1_of_means,
    f1_scores,
    foreground_accuracy,
    mean_iou_of_shown_labels,
    mean_precision,
    mean_recall,
    pixel_accuracy,
    precisions,
    recalls,
)

PIXELS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 255]), st.integers(0, 3)), min_size=1, max_size=60)
"""True and predicted labels."""


@given(PIXELS)
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


@given(PIXELS.filter(lambda pixels: any(true not in (0, 255) for true, _ in pixels)))
def test_measures_equal_counting_pixel_by_pixel(pixels: list[tuple[int, int]]) -> None:
    maps = np.array(pixels, np.uint8).T
    confusion = confusion_matrix(maps[0], maps[1], 4)
    counted = [(true, found) for true, found in pixels if true != 255]
    parts = [(true, found) for true, found in counted if true > 0]
    assert pixel_accuracy(confusion) == pytest.approx(100 * np.mean([true == found for true, found in counted]))
    assert foreground_accuracy(confusion) == pytest.approx(100 * np.mean([true == found for true, found in parts]))
    shown: list[tuple[float, float, float]] = []
    for label in range(4):
        of_true = [found == label for true, found in counted if true == label]
        of_found = [true == label for true, found in counted if found == label]
        recall = np.mean(of_true) if of_true else np.nan
        precision = np.mean(of_found) if of_found else (0 if of_true else np.nan)
        both = sum(of_true) + sum(of_found)
        f1 = both / (len(of_true) + len(of_found)) if of_true or of_found else np.nan
        shown.append((float(precision), float(recall), float(f1)))
    np.testing.assert_allclose(np.array([precisions(confusion), recalls(confusion), f1_scores(confusion)]).T, shown)
    means = 100 * np.nanmean(shown, 0)
    found = (mean_precision(confusion), mean_recall(confusion), mean_f1(confusion))
    np.testing.assert_allclose(found, means)


@given(PIXELS.filter(lambda pixels: any(true != 255 for true, _ in pixels)))
def test_identities_of_the_measures(pixels: list[tuple[int, int]]) -> None:
    maps = np.array(pixels, np.uint8).T
    confusion = confusion_matrix(maps[0], maps[1], 4)
    precision, recall = precisions(confusion), recalls(confusion)
    occur = confusion.sum(1) > 0
    either_way = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    np.testing.assert_allclose(f1_scores(confusion)[occur], either_way[occur], atol=1e-9)
    ious = intersection_over_union(confusion)
    np.testing.assert_allclose(f1_scores(confusion), 2 * ious / (1 + ious))
    if (confusion.sum(0) > 0)[occur].all() and occur.all():  # Truth and answer exchanged: so are precision and recall.
        np.testing.assert_allclose(precisions(confusion.T), recall)
        assert f1_of_means(confusion.T) == pytest.approx(f1_of_means(confusion))


@pytest.mark.parametrize(
    ("precision", "recall", "f1"),
    [
        (84.18, 86.05, 85.11), (79.85, 82.37, 81.09), (81.01, 83.62, 82.29), (81.53, 83.40, 82.45),
        (82.05, 83.73, 82.88), (82.00, 83.86, 82.92),
    ],
)  # fmt: skip
def test_the_f1_of_means_is_that_of_rpr(precision: float, recall: float, f1: float) -> None:
    """RPR's own rows on ATR (Tables 2 and 5 to 7): two labels that have its means also have its F1."""

    def confusion(errors: np.ndarray) -> np.ndarray:
        return np.array([[1, errors[0]], [errors[1], 10]])

    def missed(errors: np.ndarray) -> list[float]:
        made = confusion(errors)
        return [mean_precision(made) - precision, mean_recall(made) - recall]

    made = confusion(fsolve(missed, [0.2, 0.2]))
    assert (mean_precision(made), mean_recall(made)) == pytest.approx((precision, recall))
    assert f1_of_means(made) == pytest.approx(f1, abs=0.01)
