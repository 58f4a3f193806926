"""Soft Jaccard loss: IoU with probabilities in place of pixels, so that it has a gradient (Rahman and Wang 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import full_precision


class SoftJaccard(nn.Module):
    """Soft Jaccard loss: one minus the soft IoU of each label that an image shows, averaged over labels, then images.

    Every label counts alike, however few its pixels are, as in the mean IoU by which parsings are judged.
    """

    def forward(self, logits: Tensor, parsing: Tensor, click_maps: Tensor) -> Tensor:
        """The loss over all pixels that are not ignored; an image without any adds 0.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
            click_maps: uint8 (N, num_labels, H, W); not used, so that one loss can stand in for another.
        """
        counted = (parsing != IGNORE)[:, None]
        found = full_precision(logits).softmax(1) * counted
        true = one_hot(parsing.masked_fill(parsing == IGNORE, 0), logits.shape[1]).permute(0, 3, 1, 2) * counted
        both = (found * true).sum((2, 3))
        area = true.sum((2, 3))
        either = found.sum((2, 3)) + area - both
        shown = area > 0
        missed = torch.where(shown, 1 - both / either.where(shown, 1), 0)
        return (missed.sum(1) / shown.sum(1).clamp(min=1)).mean()
