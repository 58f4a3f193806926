"""Click cross-entropy against a loop over clicks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.losses import ClickCrossEntropy
from tests.losses.batches import pixel_loss, random_batch, random_logits


@pytest.mark.parametrize("radius", [0.0, 1.0, 1.5, 3.0])
def test_equal_to_a_loop_over_pixels_and_labels(radius: float) -> None:
    parsing, maps = random_batch(0)
    logits = random_logits(0, parsing, 4)
    images = []
    for values, true, clicks in zip(logits, parsing, maps, strict=True):
        losses = []
        for label, y, x in np.ndindex(*clicks.shape):
            distance, own = int(clicks[label, y, x]) ** 0.5, int(true[y, x])
            if own != 255 and (distance == 0 or (distance <= radius and own == label)):
                losses.append(pixel_loss(values, y, x, label))
        images.append(np.mean(losses))
    assert ClickCrossEntropy(radius)(logits, parsing, maps).item() == pytest.approx(np.mean(images))


def test_pulls_the_clicked_label_up_even_against_the_parsing_and_nothing_elsewhere() -> None:
    parsing = torch.zeros(1, 6, 6, dtype=torch.int64)
    maps = torch.from_numpy(localization_maps([Click(4, 2, label=2)], 6, 6, 3))[None]
    logits = torch.zeros(1, 3, 6, 6, requires_grad=True)
    ClickCrossEntropy(radius=3)(logits, parsing, maps).backward()
    assert logits.grad is not None
    assert logits.grad[0, 2, 2, 4] < 0
    assert torch.equal(logits.grad[0].abs().sum(0).nonzero(), torch.tensor([[2, 4]]))


@pytest.mark.parametrize("radius", [-1.0, 16.0])
def test_a_radius_that_maps_cannot_tell_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match=r"radius: .* given; localization maps tell distances from 0 to 15"):
        ClickCrossEntropy(radius)
