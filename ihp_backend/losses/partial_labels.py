"""Partial-label losses: what the prior learns from an annotation that does not ask for all labels that it knows.

Background of such an annotation may be any label that it does not ask for, and where nothing is drawn there may be any
label at all. So the prior is told only that the sum of the labels that are possible is 1 (the marginal loss of Shi et
al. 2021, "Marginal loss and exclusion loss for partially supervised multi-organ segmentation"), and among these it is
to expect what it expected before (Li and Hoiem 2016, "Learning without Forgetting").
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from ihp_backend.labels import IGNORE

SMALLEST = 1e-6


def partial_label_losses(
    prior: Tensor, before: Tensor, cells: Tensor, not_asked: Collection[int]
) -> tuple[Tensor, Tensor]:
    """The loss of what the annotation tells, and that of what it leaves open.

    Args:
        prior: float (N, L, h, w), probabilities.
        before: float (N, up to L, h, w), of the network as it was, which may have known fewer labels.
        cells: int64 (N, h, w), the annotation, 255 where nothing is drawn.
        not_asked: labels that it does not ask for.
    """
    labels = prior.shape[1]
    table = torch.eye(IGNORE + 1, labels, dtype=torch.bool, device=cells.device)
    table[0, [*not_asked]] = True
    table[IGNORE] = True
    possible = table[cells].permute(0, 3, 1, 2)
    sums = (prior * possible).sum(1)
    drawn = cells != IGNORE
    told = -sums[drawn].clamp(min=SMALLEST).log().mean() if drawn.any() else prior.new_zeros(())
    left_open = possible.sum(1) > 1
    if not left_open.any():
        return told, prior.new_zeros(())
    known = before.shape[1]
    wanted = before * possible[:, :known]
    wanted = wanted / wanted.sum(1, keepdim=True).clamp(min=SMALLEST)
    among = (prior[:, :known] * possible[:, :known]).clamp(min=SMALLEST).log() - sums[:, None].clamp(min=SMALLEST).log()
    return told, -(wanted * among).sum(1)[left_open].mean()
