"""Click kernels: how much every cell has to do with the clicks of each label, for any number of clicks.

A kernel says how near a cell is to a click: in the picture, in the embedding, or in both. Its sum over the clicks of a
label is that label's strength, and its share of the sum over all clicks is who is nearest, as in a Voronoi diagram with
soft borders that follow the photograph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.evidence import Clicked

FAINT = 1e-3
"""A sum of kernels below this counts as none."""

Plane = Literal["strength", "share", "against"]


class Kernel(NamedTuple):
    """How near a cell is to a click, before training, and what is made of it.

    Attributes:
        sharpness: of the nearness in the embedding; 0: it does not matter.
        reach: in the picture, in pixels.
        planes: the label's own sum, its share of the sum over all clicks, the sum over its negative clicks.
    """

    sharpness: float
    reach: float
    planes: tuple[Plane, ...] = ("strength", "share", "against")


class ClickKernels(nn.Module):
    """Planes for each label from the clicks of all; the reach and sharpness of the kernels are learnt.

    Args:
        kernels: which.
        stride: pixels per cell along each axis.
        similarity: whether likeness in the embedding counts; without it only the picture does, for comparison.

    Attributes:
        planes: number of planes per label.
    """

    def __init__(self, kernels: Sequence[Kernel], stride: int, *, similarity: bool = True) -> None:
        super().__init__()
        self.stride = stride
        self.kinds = tuple(kernel.planes for kernel in kernels)
        self.planes = sum(map(len, self.kinds))
        sharpness = torch.tensor([kernel.sharpness for kernel in kernels]) * similarity
        self.sharpness = nn.Parameter(sharpness, requires_grad=similarity)
        self.log_reach = nn.Parameter(torch.tensor([math.log(kernel.reach / stride) for kernel in kernels]))

    def forward(self, embedding: Tensor, clicked_embedding: Tensor, clicked: Clicked) -> Tensor:
        """The planes: float (N, L, planes, h, w).

        Args:
            embedding: float (N, D, h, w), unit length.
            clicked_embedding: float (N, n, D), that of the clicks.
            clicked: the clicks.
        """
        height, width = embedding.shape[2:]
        alike, distance = clicked_embedding @ embedding.flatten(2), self._distance(clicked.places, height, width)
        own, against = clicked.own.transpose(1, 2), clicked.against.transpose(1, 2)
        planes = []
        for kinds, sharpness, log_reach in zip(self.kinds, self.sharpness, self.log_reach, strict=True):
            near = torch.exp(sharpness * (alike - 1) - 0.5 * torch.exp(-2 * log_reach) * distance)
            strength = own @ near
            if "strength" in kinds:
                planes.append(_visible(strength))
            if "share" in kinds:
                planes.append(strength / (strength.sum(1, keepdim=True) + FAINT))
            if "against" in kinds:
                planes.append(_visible(against @ near))
        return torch.stack(planes, 2).unflatten(-1, (height, width))

    def _distance(self, places: Tensor, height: int, width: int) -> Tensor:
        """Squared distances of the cells' middles to the clicks, in cells, (N, n, h w)."""
        middles = (places.to(self.sharpness.dtype) + 0.5) / self.stride - 0.5
        rows = torch.arange(height, device=places.device) - middles[..., :1]
        columns = torch.arange(width, device=places.device) - middles[..., 1:]
        return (rows[..., :, None] ** 2 + columns[..., None, :] ** 2).flatten(2)


def embedding_at(embedding: Tensor, places: Tensor, stride: int) -> Tensor:
    """The embedding (N, D, h, w) of the cells in which places, int64 (N, n, 2), lie: (N, n, D)."""
    index = places[..., 0] // stride * embedding.shape[3] + places[..., 1] // stride
    return embedding.flatten(2).gather(2, index[:, None].expand(-1, embedding.shape[1], -1)).transpose(1, 2)


def _visible(strength: Tensor) -> Tensor:
    """The fourth root of a sum of kernels, under which faint ones can still be told apart; 0 for none."""
    return (strength + FAINT**2).sqrt().sqrt() - FAINT**0.5
