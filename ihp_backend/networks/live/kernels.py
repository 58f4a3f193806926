"""Click kernels: how much every cell has to do with the clicks of each label, for any number of clicks.

A kernel says how near a cell is to a click: in the picture, in the embedding, or in both. Its sum over the clicks of a
label is that label's strength, and its share of the sum over all clicks is who is nearest, as in a Voronoi diagram with
soft borders that follow the photograph.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.evidence import Clicked
from ihp_backend.networks.live.upsampling import STRIDE

STARTS: Final = ((0.0, 3.0), (0.0, 24.0), (8.0, 40.0), (12.0, 1e3))
"""Sharpness in the embedding and reach in pixels of the kernels at first: touched, near, alike and near, alike."""

FAINT = 1e-3
"""A sum of kernels below this counts as none."""


class ClickKernels(nn.Module):
    """Planes for each label from the clicks of all; the reach and sharpness of the kernels are learnt.

    Attributes:
        planes: number of planes per label.
    """

    planes = 3 * len(STARTS)

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor([sharpness for sharpness, _ in STARTS]))
        self.log_reach = nn.Parameter(torch.tensor([math.log(reach / STRIDE) for _, reach in STARTS]))

    def forward(self, embedding: Tensor, clicked: Clicked) -> Tensor:
        """Strength, share and strength of the negative clicks by each kernel: float (N, L, planes, h, w).

        Args:
            embedding: float (N, D, h, w), unit length.
            clicked: the clicks.
        """
        height, width = embedding.shape[2:]
        alike, distance = self._alike(embedding, clicked.places), self._distance(clicked.places, height, width)
        own, against = clicked.own.transpose(1, 2), clicked.against.transpose(1, 2)
        planes = []
        for sharpness, log_reach in zip(self.sharpness, self.log_reach, strict=True):
            near = torch.exp(sharpness * (alike - 1) - 0.5 * distance * torch.exp(-2 * log_reach))
            strength = own @ near
            planes += [_visible(strength), strength / (strength.sum(1, keepdim=True) + FAINT), _visible(against @ near)]
        return torch.stack(planes, 2).unflatten(-1, (height, width))

    def _alike(self, embedding: Tensor, places: Tensor) -> Tensor:
        """Cosines of the cells' embeddings to those of the clicked cells, (N, n, h w)."""
        cells = embedding.flatten(2)
        index = places[..., 0] // STRIDE * embedding.shape[3] + places[..., 1] // STRIDE
        clicked = cells.gather(2, index[:, None].expand(-1, cells.shape[1], -1))
        return clicked.transpose(1, 2) @ cells

    def _distance(self, places: Tensor, height: int, width: int) -> Tensor:
        """Squared distances of the cells' middles to the clicks, in cells, (N, n, h w)."""
        middles = (places.to(self.sharpness.dtype) + 0.5) / STRIDE - 0.5
        rows = torch.arange(height, device=places.device) - middles[..., :1]
        columns = torch.arange(width, device=places.device) - middles[..., 1:]
        return (rows[..., :, None] ** 2 + columns[..., None, :] ** 2).flatten(2)


def _visible(strength: Tensor) -> Tensor:
    """The logarithm of a sum of kernels, scaled so that none is 0 and one full click is 1."""
    return 1 - torch.log(strength + FAINT) / math.log(FAINT)
