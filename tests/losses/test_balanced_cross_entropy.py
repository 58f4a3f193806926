"""Balanced cross-entropy against loops over pixels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from torch import Tensor

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.losses import BalancedCrossEntropy, CrossEntropy
from tests.losses.batches import counted_pixels, pixel_loss, random_batch, random_logits


def clicked_pixels(parsing: Tensor, maps: Tensor) -> list[tuple[int, int]]:
    """(y, x) with a click of their own label."""
    return [(y, x) for y, x in counted_pixels(parsing) if int(maps[int(parsing[y, x]), y, x]) == 0]


def shares_among(parsing: Tensor, pixels: list[tuple[int, int]]) -> dict[int, float]:
    """Share of each of four labels among the pixels."""
    counts = Counter(int(parsing[y, x]) for y, x in pixels)
    return {label: counts[label] / len(pixels) for label in range(4)}


def weighted_mean(logits: Tensor, parsing: Tensor, pixels: list[tuple[int, int]], weights: dict[int, float]) -> float:
    """Mean of the pixels' cross-entropy with the weight of their label."""
    labels = [int(parsing[y, x]) for y, x in pixels]
    losses = [pixel_loss(logits, y, x, label) for (y, x), label in zip(pixels, labels, strict=True)]
    return float(np.average(losses, weights=[weights[label] for label in labels]))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_weights_equal_a_loop_over_pixels(share: float) -> None:
    parsing, maps = random_batch(0)
    logits = random_logits(0, parsing, 4)
    found = BalancedCrossEntropy(share)(logits, parsing, maps)
    images = []
    for values, true, clicks in zip(logits, parsing, maps, strict=True):
        pixels, clicked = counted_pixels(true), clicked_pixels(true, clicks)
        assert 3 <= len(clicked) < len(pixels)
        seen, heard = shares_among(true, pixels), shares_among(true, clicked)
        weights = {label: share * (1 - seen[label]) + (1 - share) * (1 - heard[label]) for label in range(4)}
        images.append(weighted_mean(values, true, pixels, weights))
    assert found.item() == pytest.approx(np.mean(images))


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_halves_equal_a_loop_over_pixels(share: float) -> None:
    parsing, maps = random_batch(1)
    logits = random_logits(1, parsing, 4)
    found = BalancedCrossEntropy(share, reading="halves")(logits, parsing, maps)
    images = []
    for values, true, clicks in zip(logits, parsing, maps, strict=True):
        halves = []
        for pixels in (counted_pixels(true), clicked_pixels(true, clicks)):
            shares = shares_among(true, pixels)
            halves.append(weighted_mean(values, true, pixels, {label: 1 - shares[label] for label in range(4)}))
        images.append(share * halves[0] + (1 - share) * halves[1])
    assert found.item() == pytest.approx(np.mean(images))


def test_a_rare_part_weighs_more_and_a_much_clicked_one_less() -> None:
    parsing = torch.zeros(1, 8, 8, dtype=torch.int64)
    parsing[0, 0, :4], parsing[0, 7, :4] = 1, 2
    # Labels 1 and 2 cover as much; 2 is clicked three times as often.
    clicks = [Click(6, 4, 0), Click(0, 0, 1), Click(0, 7, 2), Click(1, 7, 2), Click(2, 7, 2)]
    maps = torch.from_numpy(localization_maps(clicks, 8, 8, 3))[None]
    logits = torch.zeros(1, 3, 8, 8, requires_grad=True)
    BalancedCrossEntropy()(logits, parsing, maps).backward()
    assert logits.grad is not None
    pull = logits.grad[0].abs().sum(0)
    assert pull[0, 0] > pull[7, 0] > pull[4, 4] > 0


def test_a_single_label_gets_plain_cross_entropy() -> None:
    _, maps = random_batch(2)
    parsing = torch.full((2, 12, 8), 3)
    logits = random_logits(2, parsing, 4)
    found = BalancedCrossEntropy()(logits, parsing, maps)
    assert found.item() == pytest.approx(CrossEntropy()(logits, parsing, maps).item())


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ValueError, match=r"pixel_share: 1\.5 given"):
        BalancedCrossEntropy(1.5)
    with pytest.raises(ValueError, match="reading: 'thirds' is unknown; known are weights, halves"):
        BalancedCrossEntropy(reading="thirds")  # type: ignore[arg-type]
