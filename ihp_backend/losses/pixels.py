"""Pixels that count in the losses and pixels that are clicked; means that give every image the same weight."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ihp_backend.labels import IGNORE


def truly_clicked(parsing: Tensor, click_maps: Tensor) -> Tensor:
    """Mask of clicks on pixels of their own label (a value of 0 in that label's map), bool (N, H, W).

    Clicks of a wrong label and clicks on ignored pixels are left out: they tell nothing about the part.

    Args:
        parsing: int64 (N, H, W), 255 = ignore.
        click_maps: uint8 (N, num_labels, H, W), localization maps.
    """
    ignored = parsing == IGNORE
    own_map = click_maps.gather(1, parsing.masked_fill(ignored, 0)[:, None])[:, 0]
    return (own_map == 0) & ~ignored


def full_precision(values: Tensor) -> Tensor:
    """``values`` in float32, or in float64 if they are: half precision is too coarse for logarithms and sums."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def pixel_cross_entropy(logits: Tensor, parsing: Tensor) -> Tensor:
    """Cross-entropy of each pixel, float (N, H, W); 0 with gradient 0 where ignored."""
    return cross_entropy(full_precision(logits), parsing, reduction="none", ignore_index=IGNORE)


def mean_of_each_image(values: Tensor, weights: Tensor) -> Tensor:
    """Each image's weighted mean over its pixels, float (N,); 0 of an image without any weight.

    Args:
        values: float (N, H, W).
        weights: float or bool (N, H, W), not below 0.
    """
    weights = weights.to(values.dtype)
    total = weights.sum((1, 2))
    return (values * weights).sum((1, 2)) / total.where(total > 0, 1)


def mean_over_images(values: Tensor, weights: Tensor) -> Tensor:
    """The mean over images of ``mean_of_each_image``, so that large parts of a batch count alike."""
    return mean_of_each_image(values, weights).mean()
