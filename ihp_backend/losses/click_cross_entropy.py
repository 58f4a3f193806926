"""Click cross-entropy: a loss on clicked pixels alone, which teaches the network to follow clicks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import full_precision


class ClickCrossEntropy(nn.Module):
    """Cross-entropy at clicked pixels with the clicked label, to be added to a loss over all pixels.

    A click counts even where it contradicts the parsing, as with simulated slips: the annotator has the last word.
    Only clicks on ignored pixels are left out.

    Args:
        radius: pixels up to this far from a click count too, if they have its label in the parsing; 0 to 15,
            as far as localization maps reach.

    Raises:
        ValueError: the radius is outside these limits.
    """

    def __init__(self, radius: float = 0.0) -> None:
        super().__init__()
        if not 0 <= radius <= 15:
            raise ValueError(f"radius: {radius} given; localization maps tell distances from 0 to 15")
        self.radius = radius

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The mean over the clicked pixels of an image, averaged over the batch; an image without clicks adds 0.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W), localization maps; a click's own pixel holds 0.
        """
        images = len(logits)
        image, label, y, x = (click_maps <= int(self.radius**2)).nonzero(as_tuple=True)
        true = parsing[image, y, x]
        kept = (true == label) | ((click_maps[image, label, y, x] == 0) & (true != IGNORE))
        image, label, y, x = image[kept], label[kept], y[kept], x[kept]
        losses = cross_entropy(full_precision(logits[image, :, y, x]), label, reduction="none")
        total = losses.new_zeros(images).index_add(0, image, losses)
        return (total / torch.bincount(image, minlength=images).clamp(min=1)).mean()
