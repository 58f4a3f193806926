"""Edges between parts, as CE2P and RPR learn them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool2d

from ihp_backend.labels import IGNORE
from ihp_backend.losses.pixels import full_precision

WIDTH = 3
"""Pixels by which the edge is widened (RPR, section 3.4)."""


def part_edges(parsing: Tensor) -> Tensor:
    """Where labels meet, widened to ``WIDTH`` pixels: int64 (N, H, W), 1 on edges, 255 = ignore.

    Args:
        parsing: int64 (N, H, W), 255 = ignore; where ignored pixels begin there is no edge.
    """
    edge = torch.zeros_like(parsing, dtype=torch.bool)
    known = parsing != IGNORE
    for axis in (1, 2):
        first = parsing.narrow(axis, 0, parsing.shape[axis] - 1)
        second = parsing.narrow(axis, 1, parsing.shape[axis] - 1)
        meet = (first != second) & (first != IGNORE) & (second != IGNORE)
        edge.narrow(axis, 0, meet.shape[axis]).logical_or_(meet)
        edge.narrow(axis, 1, meet.shape[axis]).logical_or_(meet)
    widened = max_pool2d(edge[:, None].float(), WIDTH, stride=1, padding=WIDTH // 2)[:, 0] > 0
    return widened.long().masked_fill(~known, IGNORE)


def edge_cross_entropy(logits: Tensor, parsing: Tensor) -> Tensor:
    """Cross-entropy of edges, in which edge and no edge weigh as much as the other is frequent in the batch.

    Args:
        logits: float (N, 2, H, W).
        parsing: int64 (N, H, W), 255 = ignore.
    """
    edges = part_edges(parsing)
    positive, negative = (edges == 1).sum(), (edges == 0).sum()
    counted = (positive + negative).clamp(min=1)
    weights = torch.stack([positive, negative]).to(torch.float32) / counted
    logits = full_precision(logits)
    losses = cross_entropy(logits, edges, weights.to(logits.dtype), ignore_index=IGNORE, reduction="none")
    return losses.sum() / counted
