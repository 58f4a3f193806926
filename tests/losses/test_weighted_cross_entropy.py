"""Weighted cross-entropy against a loop over pixels."""

from __future__ import annotations

import math

import pytest
import torch

from ihp_backend.losses import WeightedCrossEntropy, inverse_log_weights


def test_equal_to_a_loop_over_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 5, 4, generator=generator)
    parsing = torch.randint(0, 3, (2, 5, 4), generator=generator)
    parsing[0, 0, :2] = 255
    maps = torch.randint(0, 256, (2, 3, 5, 4), generator=generator, dtype=torch.uint8)
    weights = torch.tensor([0.5, 1.0, 2.0])
    total = weight_sum = 0.0
    for n, y, x in ((n, y, x) for n in range(2) for y in range(5) for x in range(4)):
        label = int(parsing[n, y, x])
        if label == 255:
            continue
        weight = float(weights[label]) * (1 + 3.0 * (1 - int(maps[n, label, y, x]) / 255))
        total -= weight * float(logits[n, :, y, x].log_softmax(0)[label])
        weight_sum += weight
    loss = WeightedCrossEntropy(weights, click_weight=3.0)(logits, parsing, maps)
    assert float(loss) == pytest.approx(total / weight_sum, rel=1e-5)


def test_all_ignored_gives_zero_and_no_nan() -> None:
    logits = torch.zeros(1, 2, 3, 3, requires_grad=True)
    maps = torch.zeros(1, 2, 3, 3, dtype=torch.uint8)
    loss = WeightedCrossEntropy(torch.ones(2), 1.0)(logits, torch.full((1, 3, 3), 255), maps)
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_rare_labels_weigh_more() -> None:
    weights = inverse_log_weights(torch.tensor([0.9, 0.1, 0.0]))
    assert weights[0] < weights[1] < weights[2]
    assert float(weights.mean()) == pytest.approx(1)
    assert float(weights[2] / weights[0]) == pytest.approx(math.log(2.0) / math.log(1.1), rel=1e-5)
