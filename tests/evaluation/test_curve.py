"""Figures made of hand-made records."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ihp_backend.evaluation import Curve, Record, mean_f1, mean_iou, mean_iou_of_all_labels
from ihp_backend.evaluation.tally import COUNTS


def record(right_percent: list[int], initial: int, corrections: list[int], labels_present: int = 2) -> Record:
    """Of 100 pixels of label 0 so many are right by round, the others are taken for label 1."""
    confusions = np.array([[[right, 100 - right], [0, 0]] for right in right_percent], np.int32)
    given = np.array([initial, *corrections])
    counts = {name: np.zeros(len(given), np.int64) for name in COUNTS} | {"given": given, "standing": given.cumsum()}
    nothing = np.zeros((0, 5), np.int32)
    return Record(
        confusions, confusions, confusions[0], labels_present=np.array(labels_present), clicks=nothing, **counts
    )


def curve(*records: Record) -> Curve:
    made = Curve(seed=0)
    for number, one in enumerate(records):
        made.add(str(number), one)
    return made


def test_avg_is_clicks_so_far_per_label_present() -> None:
    """Table III's LIP: 9.25 initial clicks, 8.33 labels, then .12 more with each correction."""
    made = curve(record([50] * 3, 9, [1, 1], 8), record([50] * 3, 9, [1, 0], 9), record([50] * 3, 10, [1, 1], 8))
    assert made.clicks_per_label() == pytest.approx([28 / 25, 31 / 25, 33 / 25])


def test_add_is_the_first_round_at_the_standard() -> None:
    # While something is taken for label 1, whose IoU is 0, mIoU is half of the right share.
    made = curve(record([60, 90, 80, 96], 3, [1, 1, 1]))
    assert made.mean_ious() == pytest.approx([30, 45, 40, 48])
    assert made.additional_clicks(30) == 0
    assert made.additional_clicks(40) == 1
    assert made.additional_clicks(48) == 3
    assert made.additional_clicks(48.1) is None


def test_sums_before_dividing() -> None:
    made = curve(record([100, 100], 1, [0]), record([50, 0], 1, [1]))
    assert made.mean_ious() == pytest.approx([75 / 2, 50 / 2])
    np.testing.assert_array_equal(made.sums["confusions"][1], [[100, 100], [0, 0]])


def test_number_of_clicks_by_hand() -> None:
    at_once = record([100, 100, 100], 2, [0, 0])
    with_the_last = record([10, 20, 100], 3, [1, 1])
    never = record([10, 20, 30], 4, [1, 1])
    falls_back = record([10, 100, 30], 5, [1, 1])
    # A photograph with label 0 alone and nothing taken for label 1 has mIoU 100.
    found = curve(at_once, with_the_last, never, falls_back).number_of_clicks(90)
    assert found.corrections == pytest.approx((0 + 2 + 2 + 1) / 4)
    assert found.clicks == pytest.approx((2 + 5 + 6 + 6) / 4)
    assert found.failures == 1


def slow_f1(true: NDArray[np.uint8], found: NDArray[np.uint8]) -> float:
    values = []
    for label in range(5):
        hits = int(((true == label) & (found == label)).sum())
        if (true == label).any() or (found == label).any():
            precision = hits / max(int((found == label).sum()), 1)
            recall = hits / max(int((true == label).sum()), 1)
            values.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return 100 * sum(values) / len(values)


@pytest.mark.parametrize("seed", range(5))
def test_f1_from_its_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true, found = rng.integers(0, 3, 40).astype(np.uint8), rng.integers(0, 4, 40).astype(np.uint8)
    confusion = np.zeros((5, 5), int)
    np.add.at(confusion, (true, found), 1)
    assert mean_f1(confusion) == pytest.approx(slow_f1(true, found))


def test_labels_that_never_occur_are_left_out_or_count_nothing() -> None:
    confusion = np.zeros((4, 4), int)
    confusion[0, 0] = confusion[1, 1] = 10
    assert mean_iou(confusion) == pytest.approx(100)
    assert mean_iou_of_all_labels(confusion) == pytest.approx(50)
