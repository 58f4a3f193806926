"""The click kernels of ``networks.live.kernels`` without torch, summed over the clicks of each label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CLICKS_AT_A_TIME = 32
"""Few enough that their kernels stay in a core's cache."""

VANISHING = 21.0
"""Where a kernel has fallen to e to the minus this, nothing of it can be seen any more."""


class DescribedKernel(NamedTuple):
    """A click kernel as it was trained.

    Attributes:
        sharpness: of the nearness in the embedding.
        precision: of the nearness in the photograph, 1 / reach^2 in cells.
        colour: precision of the nearness in colour, 0 where it does not matter.
        planes: what is made of it.
    """

    sharpness: float
    precision: float
    colour: float
    planes: tuple[str, ...]

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> DescribedKernel:
        """The kernel as an exported model describes it; models made before there were colours have none."""
        sharpness, precision = float(described["sharpness"]), float(described["precision"])
        return cls(sharpness, precision, float(described.get("colour", 0)), tuple(described["planes"]))


class ClickKernels:
    """The cells of a photograph, in which click kernels are summed.

    Args:
        look: float32 (C, h, w), the embedding, of unit length, and colours.
        colours: how many of the C channels are colours, the last ones.
    """

    def __init__(self, look: Floats, colours: int) -> None:
        self._split = len(look) - colours
        self._look = look
        _, self._height, self._width = look.shape
        self._places: Floats | None = None

    @property
    def bytes(self) -> int:
        """What it keeps besides the look."""
        return 0 if self._places is None else self._places.nbytes

    def sums(self, kernel: DescribedKernel, clicked_look: Floats, places: Floats, weights: Floats) -> Floats:
        """The sum of a kernel over some clicks, float32 (A, h w).

        Args:
            kernel: which.
            clicked_look: float32 (n, C), at the clicks.
            places: float32 (n, 2), y and x of the clicks in cells, 0 in the middle of the first.
            weights: float32 (n, A), of each click in each sum.
        """
        reach = math.ceil(math.sqrt(2 * VANISHING / kernel.precision))
        if 4 * (2 * reach + 1) ** 2 < self._height * self._width:
            return self._sums_nearby(kernel, clicked_look, places, weights, reach)
        sums = np.zeros((weights.shape[1], self._height * self._width), np.float32)
        for start in range(0, len(places), CLICKS_AT_A_TIME):
            clicks = slice(start, start + CLICKS_AT_A_TIME)
            of_look, of_places = self._factors(clicked_look[clicks], places[clicks], kernel)
            near = of_look @ self._look.reshape(len(self._look), -1)
            near += of_places @ self._described_places()
            np.exp(near, out=near)
            sums += np.ascontiguousarray(weights[clicks].T) @ near
        return sums

    def _sums_nearby(
        self, kernel: DescribedKernel, clicked_look: Floats, places: Floats, weights: Floats, reach: int
    ) -> Floats:
        """Sums of a kernel that ends soon: only the cells around each click are visited."""
        aside = np.arange(-reach, reach + 1)
        size = (self._height, self._width)
        rows, columns = np.rint(places).astype(np.intp).T[:, :, None] + aside
        away_y, away_x = rows - places[:, :1], columns - places[:, 1:]
        inside = ((rows >= 0) & (rows < size[0]))[:, :, None] & ((columns >= 0) & (columns < size[1]))[:, None]
        cells = np.clip(rows, 0, size[0] - 1)[:, :, None] * size[1] + np.clip(columns, 0, size[1] - 1)[:, None]
        cells = cells.reshape(len(cells), -1)
        around = self._look.reshape(len(self._look), -1)[:, cells]
        alike = np.einsum("nd,dnk->nk", clicked_look[:, : self._split], around[: self._split])
        near = kernel.sharpness * (alike - 1)
        near -= 0.5 * kernel.precision * (away_y[:, :, None] ** 2 + away_x[:, None] ** 2).reshape(near.shape)
        if kernel.colour:
            apart = around[self._split :] - clicked_look[:, self._split :].T[:, :, None]
            near -= 0.5 * kernel.colour * np.einsum("cnk,cnk->nk", apart, apart)
        near = np.exp(near) * inside.reshape(near.shape)
        sums = np.zeros((weights.shape[1], size[0] * size[1]), np.float32)
        click, of = np.nonzero(weights)
        into = of[:, None] * (size[0] * size[1]) + cells[click]
        np.add.at(sums.reshape(-1), into.ravel(), (near[click] * weights[click, of, None]).ravel().astype(np.float32))
        return sums

    def _described_places(self) -> Floats:
        """The cells' places (5, h w): times ``_factors``, and added to the look times its own, a kernel's logarithm."""
        if self._places is None:
            middle = self._middle()
            y, x = np.arange(self._height)[:, None] - middle[0], np.arange(self._width) - middle[1]
            described = np.empty((5, self._height, self._width), np.float32)
            described[0], described[1], described[2], described[4] = y, x, y**2 + x**2, 1
            described[3] = (self._look[self._split :] ** 2).sum(0)
            self._places = described.reshape(5, -1)
        return self._places

    def _factors(self, look: Floats, places: Floats, kernel: DescribedKernel) -> tuple[Floats, Floats]:
        """Of clicks (n, C) and (n, 5): sharpness x (likeness - 1) - both precisions / 2 x squared distances, multiplied
        out."""
        sharpness, precision, colour, _ = kernel
        places = places - self._middle()
        embedding, colours = look[:, : self._split], look[:, self._split :]
        squares = np.full((len(places), 2), (-0.5 * precision, -0.5 * colour))
        rest = squares[:, 0] * (places**2).sum(1) + squares[:, 1] * (colours**2).sum(1) - sharpness
        of_look = np.concatenate([sharpness * embedding, colour * colours], 1)
        of_places = np.column_stack([precision * places, squares, rest])
        return of_look.astype(np.float32), of_places.astype(np.float32)

    def _middle(self) -> Floats:
        """Places are squared as seen from here, so that less is lost to rounding."""
        return np.array([(self._height - 1) / 2, (self._width - 1) / 2], np.float32)
