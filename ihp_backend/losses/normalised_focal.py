"""Focal loss whose scale does not fade while the network learns (AdaptIS, Sofiiuk et al. 2019; RITM, 2021)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import mean_over_images, pixel_cross_entropy


class NormalisedFocalLoss(nn.Module):
    """Cross-entropy weighed by (1 - p)^gamma, p the probability of the true label, for any number of labels.

    Each image's loss is divided by its mean weight, through which no gradient flows. The gradient then goes to
    uncertain pixels, but its size does not shrink as they become few, as it does with the plain focal loss.

    Args:
        gamma: 0 gives plain cross-entropy; the larger, the more uncertain pixels weigh.

    Raises:
        ValueError: a gamma between 0 and 1 or below 0, whose weights have no gradient at p = 1.
    """

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        if gamma != 0 and not 1 <= gamma < math.inf:
            raise ValueError(f"gamma: {gamma} given; use 0 (plain cross-entropy) or a number from 1 on")
        self.gamma = gamma

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The normalised focal loss over all pixels that are not ignored; 0 where there is none.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W); not used, so that one loss can stand in for another.
        """
        losses = pixel_cross_entropy(logits, parsing)
        # 1 - p from log p, since p rounds to 1 early; the floor keeps the mean weight of a sure image above 0.
        doubt = (-torch.expm1(-losses)).clamp(min=torch.finfo(losses.dtype).eps)
        weights = doubt**self.gamma
        counted = parsing != IGNORE
        mean_weights = ((weights.detach() * counted).sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)).clamp(
            min=torch.finfo(losses.dtype).tiny
        )
        return mean_over_images(weights * losses / mean_weights[:, None, None], counted)
