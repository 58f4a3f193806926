"""Rectangle: rows and columns of whole cells, blocks or pixels."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

AnyRectangle = TypeVar("AnyRectangle", bound="Rectangle")


class Rectangle(NamedTuple):
    """Rows and columns of cells, blocks or pixels; ``bottom`` and ``right`` are not inside any more."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    def grown(self, margin: float) -> Rectangle:
        """The rectangle with a margin on each side, in whole cells or pixels."""
        by = math.ceil(margin)
        return Rectangle(self.top - by, self.left - by, self.bottom + by, self.right + by)

    def overlaps(self, other: Rectangle) -> bool:
        """Whether they have a cell or pixel in common."""
        down = self.top < other.bottom and other.top < self.bottom
        return down and self.left < other.right and other.left < self.right

    def with_(self: AnyRectangle, other: AnyRectangle) -> AnyRectangle:
        """The smallest rectangle around both."""
        return type(self)(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def contains(self, y: float, x: float) -> bool:
        """Whether the pixel is inside."""
        return self.top <= y < self.bottom and self.left <= x < self.right
