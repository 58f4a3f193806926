"""Lovász-softmax loss (Berman, Triki, Blaschko, CVPR 2018): a surrogate of the mean IoU, which hears rare labels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import full_precision


class LovaszSoftmax(nn.Module):
    """The Lovász extension of one minus the IoU, averaged over the labels that a batch has."""

    def forward(self, logits: Tensor, parsing: Tensor) -> Tensor:
        """The loss over the pixels of the whole batch that are not ignored, 0 to 1; 0 where there is none.

        Args:
            logits: float (N, num_labels, H, W).
            parsing: int64 (N, H, W), 255 = ignore.
        """
        counted = parsing != IGNORE
        probabilities = full_precision(logits).softmax(1).permute(0, 2, 3, 1)[counted]
        true = one_hot(parsing[counted], logits.shape[1]).to(probabilities.dtype)
        present = true.sum(0) > 0
        if not present.any():
            return probabilities.sum() * 0
        true = true[:, present]
        errors = (true - probabilities[:, present]).abs()
        errors, order = errors.sort(0, descending=True)
        true = true.gather(0, order)
        # The Jaccard index once the first n pixels of the order are wrong.
        intersection = true.sum(0) - true.cumsum(0)
        union = true.sum(0) + (1 - true).cumsum(0)
        jaccard = 1 - intersection / union
        steps = torch.cat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
        return (errors * steps).sum(0).mean()
