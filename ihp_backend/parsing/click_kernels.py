"""The click kernels of ``networks.live.kernels`` without torch, summed over the clicks of each label."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CLICKS_AT_A_TIME = 32
"""Few enough that their kernels stay in a core's cache."""

VANISHING = 21.0
"""Where a kernel has fallen to e to the minus this, nothing of it can be seen any more."""


class ClickKernels:
    """Some clicks and the cells of a photograph, D channels in the embedding.

    Args:
        embedding: float32 (D, h, w), unit length.
        clicked_embedding: float32 (n, D), at the clicks.
        places: float32 (n, 2), y and x of the clicks in cells, 0 in the middle of the first.
    """

    def __init__(self, embedding: Floats, clicked_embedding: Floats, places: Floats) -> None:
        self._embedding, self._clicked, self._places = embedding, clicked_embedding, places
        _, self._height, self._width = embedding.shape
        self._cells: Floats | None = None

    def sums(self, sharpness: float, precision: float, weights: Floats) -> Floats:
        """The sum of a kernel over the clicks, float32 (A, h w).

        Args:
            sharpness, precision: of the kernel, see ``LabelPlanes``.
            weights: float32 (n, A), of each click in each sum.
        """
        reach = math.ceil(math.sqrt(2 * VANISHING / precision))
        if 4 * (2 * reach + 1) ** 2 < self._height * self._width:
            return self._sums_nearby(sharpness, precision, weights, reach)
        sums = np.zeros((weights.shape[1], self._height * self._width), np.float32)
        for start in range(0, len(self._places), CLICKS_AT_A_TIME):
            clicks = slice(start, start + CLICKS_AT_A_TIME)
            near = self._factors(clicks, sharpness, precision) @ self._described_cells()
            np.exp(near, out=near)
            sums += np.ascontiguousarray(weights[clicks].T) @ near
        return sums

    def _sums_nearby(self, sharpness: float, precision: float, weights: Floats, reach: int) -> Floats:
        """For kernels that end soon: only the cells around each click are visited."""
        aside = np.arange(-reach, reach + 1)
        size = (self._height, self._width)
        rows, columns = np.rint(self._places).astype(np.intp).T[:, :, None] + aside
        away_y, away_x = rows - self._places[:, :1], columns - self._places[:, 1:]
        inside = ((rows >= 0) & (rows < size[0]))[:, :, None] & ((columns >= 0) & (columns < size[1]))[:, None]
        cells = np.clip(rows, 0, size[0] - 1)[:, :, None] * size[1] + np.clip(columns, 0, size[1] - 1)[:, None]
        cells = cells.reshape(len(cells), -1)
        around = self._embedding.reshape(len(self._embedding), -1)[:, cells]
        near = sharpness * (np.einsum("nd,dnk->nk", self._clicked, around) - 1)
        near -= 0.5 * precision * (away_y[:, :, None] ** 2 + away_x[:, None] ** 2).reshape(near.shape)
        near = np.exp(near) * inside.reshape(near.shape)
        sums = np.zeros((weights.shape[1], size[0] * size[1]), np.float32)
        click, of = np.nonzero(weights)
        into = of[:, None] * (size[0] * size[1]) + cells[click]
        np.add.at(sums.reshape(-1), into.ravel(), (near[click] * weights[click, of, None]).ravel().astype(np.float32))
        return sums

    def _described_cells(self) -> Floats:
        """The cells (D + 4, h w), so that their product with ``_factors`` is the logarithm of a kernel."""
        if self._cells is None:
            middle = self._middle()
            y, x = np.arange(self._height)[:, None] - middle[0], np.arange(self._width) - middle[1]
            place = np.empty((4, self._height, self._width), np.float32)
            place[0], place[1], place[2], place[3] = y, x, y**2 + x**2, 1
            self._cells = np.concatenate([self._embedding, place]).reshape(len(self._embedding) + 4, -1)
        return self._cells

    def _factors(self, clicks: slice, sharpness: float, precision: float) -> Floats:
        """Clicks (n, D + 4): sharpness x (likeness - 1) - precision / 2 x squared distance, multiplied out."""
        places = self._places[clicks] - self._middle()
        half = np.full(len(places), -0.5 * precision)
        rest = half * (places**2).sum(1) - sharpness
        factors: Floats = np.column_stack([sharpness * self._clicked[clicks], precision * places, half, rest])
        return factors.astype(np.float32)

    def _middle(self) -> Floats:
        """Places are squared as seen from here, so that less is lost to rounding."""
        return np.array([(self._height - 1) / 2, (self._width - 1) / 2], np.float32)
