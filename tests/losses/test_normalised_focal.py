"""The normalised focal loss against a loop over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ihp_backend.losses import CrossEntropy, NormalisedFocalLoss
from tests.losses.batches import counted_pixels, pixel_loss, random_batch, random_logits


@pytest.mark.parametrize("gamma", [1.0, 2.0, 2.5])
def test_equal_to_a_loop_over_pixels(gamma: float) -> None:
    parsing, maps = random_batch(0)
    logits = random_logits(0, parsing, 4)
    images = []
    for values, true in zip(logits, parsing, strict=True):
        losses = [pixel_loss(values, y, x, int(true[y, x])) for y, x in counted_pixels(true)]
        weights = [(1 - math.exp(-loss)) ** gamma for loss in losses]
        images.append(np.average(losses, weights=weights))
    assert NormalisedFocalLoss(gamma)(logits, parsing, maps).item() == pytest.approx(np.mean(images))


def test_no_gradient_flows_through_the_mean_weight() -> None:
    parsing, maps = random_batch(1, images=1, size=(5, 4))
    logits = random_logits(1, parsing, 4)

    def focal_sum(values: torch.Tensor) -> torch.Tensor:
        chances = values.softmax(1).gather(1, parsing.where(parsing != 255, 0)[:, None])[:, 0][parsing != 255]
        return ((1 - chances) ** 2 * -chances.log()).sum()

    (found,) = torch.autograd.grad(NormalisedFocalLoss()(logits, parsing, maps), logits)
    (expected,) = torch.autograd.grad(focal_sum(logits), logits)
    with torch.no_grad():
        chances = logits.softmax(1).gather(1, parsing.where(parsing != 255, 0)[:, None])[:, 0][parsing != 255]
        expected /= ((1 - chances) ** 2).sum()
    assert torch.allclose(found, expected)
    assert torch.autograd.gradcheck(focal_sum, logits)


def test_gamma_zero_is_plain_cross_entropy() -> None:
    parsing, maps = random_batch(2)
    logits = random_logits(2, parsing, 4)
    found = NormalisedFocalLoss(0)(logits, parsing, maps)
    assert found.item() == pytest.approx(CrossEntropy()(logits, parsing, maps).item())


def test_its_scale_does_not_fade_as_the_network_grows_sure() -> None:
    parsing = torch.zeros(1, 4, 4, dtype=torch.int64)
    maps = torch.full((1, 2, 4, 4), 255, dtype=torch.uint8)
    for margin in (1.0, 5.0, 30.0):
        logits = torch.zeros(1, 2, 4, 4)
        logits[:, 0] = margin
        # All pixels alike: normalised weights of 1 whatever gamma makes of them.
        expected = math.log1p(math.exp(-margin))
        assert NormalisedFocalLoss()(logits, parsing, maps).item() == pytest.approx(expected, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize("gamma", [-1.0, 0.5])
def test_a_gamma_without_gradient_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"gamma: {gamma} given; use 0"):
        NormalisedFocalLoss(gamma)
