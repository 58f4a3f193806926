"""Box: a part of a working photograph in which a label is decoded."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
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
    def around(cls, cells: NDArray[np.bool_], stride: int, margin: int) -> list[Box]:
        """Small boxes around some cells and a margin, which do not overlap; none where there are no cells.

        Args:
            cells: bool (h, w).
            stride: working pixels per cell along each axis.
            margin: blocks on each side, as far as the photograph goes.
        """
        side = BLOCK // stride
        blocks = cells[::side, ::side].astype(np.uint8)
        for phase in range(1, side**2):
            blocks |= cells[phase // side :: side, phase % side :: side]
        if not blocks.any():
            return []
        near = cv2.dilate(blocks, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        pieces = cv2.connectedComponentsWithStats(near, connectivity=4)[2][1:, : cv2.CC_STAT_AREA].tolist()
        return _joined([cls(y, x, y + height, x + width) for x, y, width, height in pieces])

    def overlaps(self, other: Box) -> bool:
        """Whether they have a block in common."""
        down = self.top < other.bottom and other.top < self.bottom
        return down and self.left < other.right and other.left < self.right

    def with_(self, other: Box) -> Box:
        """The smallest box around both."""
        first, last = zip(self[:2], other[:2], strict=True), zip(self[2:], other[2:], strict=True)
        return Box(*map(min, first), *map(max, last))

    def of(self, grid: NDArray[Any], stride: int) -> NDArray[Any]:
        """Its part of a grid (..., h, w) of that stride, a view."""
        side = BLOCK // stride
        return grid[..., self.top * side : self.bottom * side, self.left * side : self.right * side]


def _joined(boxes: list[Box]) -> list[Box]:
    """Joins boxes until none overlaps another."""
    separate: list[Box] = []
    for box in boxes:
        while met := [other for other in separate if box.overlaps(other)]:
            for other in met:
                separate.remove(other)
                box = box.with_(other)
        separate.append(box)
    return separate
