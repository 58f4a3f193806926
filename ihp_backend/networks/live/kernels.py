"""Click kernels: how much every cell has to do with the clicks of each label, for any number of clicks.

A kernel says how near a cell is to a click: in the picture, in the embedding, in colour, or in several of them. Its sum
over the clicks of a label is that label's strength, and its share of the sum over all clicks is who is nearest, as in a
Voronoi diagram with soft borders that follow the photograph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.colours import COLOURS
from ihp_backend.networks.live.decoder_inputs import Clicked

FAINT = 1e-3
"""A sum of kernels below this counts as none."""

Plane = Literal["strength", "share", "against"]


class Kernel(NamedTuple):
    """A click kernel before training: how near a cell is to a click, and what is made of it.

    Attributes:
        sharpness: of the nearness in the embedding; 0: it does not matter.
        reach: in the picture, in pixels.
        planes: the label's own sum, its share of the sum over all clicks, the sum over its negative clicks.
        colour: precision of the nearness in colour, 1 / reach^2; 0: it does not matter.
    """

    sharpness: float
    reach: float
    planes: tuple[Plane, ...] = ("strength", "share", "against")
    colour: float = 0.0


class ClickKernels(nn.Module):
    """Planes for each label from the clicks of all; how far the kernels reach is learnt.

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
        self._coloured = tuple(kernel.colour > 0 for kernel in kernels)
        # A network without colour has no such weights.
        colour = [math.log(kernel.colour) for kernel in kernels if kernel.colour > 0]
        self.log_colour = nn.Parameter(torch.tensor(colour)) if colour else None

    def colour(self) -> list[Tensor | None]:
        """The precision of each kernel's nearness in colour; None for those without."""
        learnt = iter(() if self.log_colour is None else self.log_colour.exp())
        return [next(learnt) if coloured else None for coloured in self._coloured]

    def _unlike(self, clicked: Tensor, cells: Tensor) -> list[Tensor | None]:
        """The decrease of each kernel's exponent by differing colours (see ``_apart``); None for kernels without."""
        if self.log_colour is None:
            return [None] * len(self.kinds)
        apart = _apart(clicked, cells)
        return [None if precision is None else 0.5 * precision * apart for precision in self.colour()]

    def forward(self, look: Tensor, clicked_look: Tensor, clicked: Clicked) -> Tensor:
        """The planes: float (N, L, planes, h, w).

        Args:
            look: float (N, D + 3, h, w), see ``Sight.look``.
            clicked_look: float (N, n, D + 3), that of the clicks.
            clicked: the clicks.
        """
        height, width = look.shape[2:]
        cells = look.flatten(2)
        alike = clicked_look[:, :, :-COLOURS] @ cells[:, :-COLOURS]
        distance = self._distance(clicked.places, height, width)
        unlike = self._unlike(clicked_look[:, :, -COLOURS:], cells[:, -COLOURS:])
        own, against = clicked.own.transpose(1, 2), clicked.against.transpose(1, 2)
        planes = []
        for kinds, sharpness, log_reach, loss in zip(self.kinds, self.sharpness, self.log_reach, unlike, strict=True):
            exponent = sharpness * (alike - 1) - 0.5 * torch.exp(-2 * log_reach) * distance
            near = torch.exp(exponent if loss is None else exponent - loss)
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


def look_at(look: Tensor, places: Tensor, stride: int) -> Tensor:
    """The look (N, C, h, w) of the cells in which places, int64 (N, n, 2), lie: (N, n, C)."""
    index = places[..., 0] // stride * look.shape[3] + places[..., 1] // stride
    return look.flatten(2).gather(2, index[:, None].expand(-1, look.shape[1], -1)).transpose(1, 2)


def _apart(clicked: Tensor, cells: Tensor) -> Tensor:
    """Squared distances (N, n, h w) between the colours of clicks (N, n, 3) and cells (N, 3, h w)."""
    # One channel at a time: as a product of matrices half precision would lose what is left of large squares.
    channels = zip(clicked.unbind(2), cells.unbind(1), strict=True)
    return reduce(torch.add, ((its[:, :, None] - theirs[:, None]) ** 2 for its, theirs in channels))


def _visible(strength: Tensor) -> Tensor:
    """The fourth root of a sum of kernels, under which faint ones can still be told apart; 0 for none."""
    return (strength + FAINT**2).sqrt().sqrt() - FAINT**0.5
