"""Box: the part of a working photograph in which a label is decoded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""Boxes begin and end at multiples of this many working pixels."""


class Box(NamedTuple):
    """Rows and columns of blocks; the last ones are not inside any more."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def whole(cls, height: int, width: int) -> Box:
        """All of a working photograph."""
        return cls(0, 0, height // BLOCK, width // BLOCK)

    @classmethod
    def around(cls, cells: NDArray[np.bool_], stride: int, margin: int) -> Box | None:
        """The smallest box around some cells and a margin, None where there are none.

        Args:
            cells: bool (h, w).
            stride: working pixels per cell along each axis.
            margin: blocks on each side, as far as the photograph goes.
        """
        side = BLOCK // stride
        limits = []
        for axis, length in ((1, cells.shape[0]), (0, cells.shape[1])):
            found = np.flatnonzero(cells.any(axis))
            if not len(found):
                return None
            first, last = int(found[0]) // side - margin, int(found[-1]) // side + 1 + margin
            limits.append((max(first, 0), min(last, length // side)))
        (top, bottom), (left, right) = limits
        return cls(top, left, bottom, right)

    def of(self, grid: NDArray[Any], stride: int) -> NDArray[Any]:
        """Its part of a grid (..., h, w) of that stride, a view."""
        side = BLOCK // stride
        return grid[..., self.top * side : self.bottom * side, self.left * side : self.right * side]
