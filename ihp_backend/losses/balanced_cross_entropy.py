"""The paper's balanced cross-entropy: weights from how often a label is seen and how often it is clicked (IHP).

The paper names two shares, pixel frequency and click frequency, each with factor 0.5, and no formula. Two readings:

``weights`` (the default) gives every pixel the weight of its label c, with n of the image's N pixels and m of its M
clicks belonging to c,

    w_c = share (1 - n_c / N) + (1 - share) (1 - m_c / M),

the share of the other labels, as in edge detection (HED, Xie and Tu 2015, Eq. 2). ``halves`` takes two losses, one
over all pixels with weights 1 - n_c / N and one over the clicked pixels with weights 1 - m_c / M, and adds
them with factors share and 1 - share.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import mean_over_images, pixel_cross_entropy, truly_clicked

Reading = Literal["weights", "halves"]


class BalancedCrossEntropy(nn.Module):
    """Cross-entropy in which labels that are rare among an image's pixels and clicks weigh more.

    The weights of an image are scaled to mean 1 over its counted pixels, so that the loss keeps the size of plain
    cross-entropy; an image of a single label gets plain cross-entropy. A click counts where it lies on its own label.
    Without clicks every m_c / M is 0, and the clicked half of ``halves`` is 0.

    Args:
        pixel_share: factor of the pixel frequency, 0 to 1; the click frequency gets the rest.
        reading: of the paper's sentence, see the top of this file.

    Raises:
        ValueError: a share outside 0 to 1, or an unknown reading.
    """

    def __init__(self, pixel_share: float = 0.5, reading: Reading = "weights") -> None:
        super().__init__()
        if not 0 <= pixel_share <= 1:
            raise ValueError(f"pixel_share: {pixel_share} given; it goes from 0 (clicks alone) to 1 (pixels alone)")
        if reading not in get_args(Reading):
            raise ValueError(f"reading: {reading!r} is unknown; known are {', '.join(get_args(Reading))}")
        self.pixel_share = pixel_share
        self.reading = reading

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The balanced mean over all pixels that are not ignored; 0 where there is none.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W), localization maps; a click's own pixel holds 0.
        """
        losses = pixel_cross_entropy(logits, parsing)
        counted, clicked = parsing != IGNORE, truly_clicked(parsing, click_maps)
        pixel_weights = 1 - _label_shares(parsing, counted, losses.dtype)
        click_weights = 1 - _label_shares(parsing, clicked, losses.dtype)
        share = self.pixel_share
        if self.reading == "weights":
            weights = share * pixel_weights + (1 - share) * click_weights
            return _balanced_mean(losses, weights, counted)
        over_pixels = _balanced_mean(losses, pixel_weights, counted)
        return share * over_pixels + (1 - share) * _balanced_mean(losses, click_weights, clicked)


def _label_shares(parsing: Tensor, chosen: Tensor, dtype: torch.dtype) -> Tensor:
    """The share of each pixel's label among the chosen pixels of its image; float (N, H, W)."""
    images = torch.arange(len(parsing), device=parsing.device)[:, None, None]
    key = images * 256 + parsing
    counts = torch.bincount(key[chosen], minlength=256 * len(parsing)).view(-1, 256).to(dtype)
    return (counts / counts.sum(1, keepdim=True).clamp(min=1)).view(-1)[key]


def _balanced_mean(losses: Tensor, weights: Tensor, chosen: Tensor) -> Tensor:
    weights = weights * chosen
    # Where one label is alone its weight is 0: with nothing to balance, its pixels count alike.
    alone = weights.sum((1, 2), keepdim=True) == 0
    return mean_over_images(losses, weights.where(~alone, chosen.to(weights.dtype)))
