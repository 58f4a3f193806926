"""Clicks win over logits, near them and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing.click_enforcement import enforce_clicks


def logits(best: int = 0) -> NDArray[np.float32]:
    values = np.random.default_rng(0).normal(size=(4, 16, 16)).astype(np.float32)
    values[best] += 8
    return values


@pytest.mark.parametrize("place", [(0, 0), (63, 63), (31, 40)])
def test_a_positive_click_gets_its_label(place: tuple[int, int]) -> None:
    x, y = place
    after = enforce_clicks(logits(), [Click(x, y, 2)], stride=4)
    assert after[:, y // 4, x // 4].argmax() == 2


def test_a_negative_click_loses_its_label() -> None:
    after = enforce_clicks(logits(best=2), [Click(30, 30, 2, positive=False)], stride=4)
    assert after[:, 7, 7].argmax() != 2
    assert after[:, 0, 0].argmax() == 2


def test_a_click_reaches_16_pixels_and_only_its_own_label() -> None:
    before = logits()
    after = enforce_clicks(before, [Click(32, 32, 3)], stride=4)
    rows, columns = np.mgrid[:16, :16] * 4 + 2
    far = (rows - 32) ** 2 + (columns - 32) ** 2 >= 255
    np.testing.assert_array_equal(after[3][far], before[3][far])
    np.testing.assert_array_equal(after[:3], before[:3])


def test_what_the_network_follows_by_itself_is_left_alone() -> None:
    before = logits(best=1)
    np.testing.assert_array_equal(enforce_clicks(before, [Click(5, 5, 1), Click(40, 40, 2, positive=False)], 4), before)


def test_of_two_labels_at_one_pixel_the_later_counts() -> None:
    after = enforce_clicks(logits(), [Click(20, 20, 1), Click(20, 20, 2)], stride=4)
    assert after[:, 5, 5].argmax() == 2
