"""Adjacency: which labels touch in a parsing."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ihp_backend.labels import IGNORE


def adjacent_labels(labels: Tensor, num_labels: int) -> Tensor:
    """Pairs of labels that have pixels that are 8-neighbours.

    Args:
        labels: uint8 (N, H, W), 255 = ignore; at full resolution, or thin parts lose their neighbours.
        num_labels: the background's included.

    Returns:
        bool (N, num_labels, num_labels), symmetric, False on the diagonal.
    """
    padded = pad(labels, (0, 1, 0, 1), value=IGNORE)
    here, right = padded[:, :-1, :-1], padded[:, :-1, 1:]
    below, diagonal = padded[:, 1:, :-1], padded[:, 1:, 1:]
    # Few squares of 2 x 2 pixels hold more than one label, so only those are looked into.
    image, y, x = ((here != right) | (here != below) | (here != diagonal)).nonzero(as_tuple=True)
    adjacent = torch.zeros(len(labels), 256, 256, dtype=torch.bool, device=labels.device)
    for one, other in ((here, right), (here, below), (here, diagonal), (right, below)):
        adjacent[image, one[image, y, x].long(), other[image, y, x].long()] = True
    adjacent = adjacent[:, :num_labels, :num_labels]
    same = torch.eye(num_labels, dtype=torch.bool, device=labels.device)
    return (adjacent | adjacent.transpose(1, 2)) & ~same
