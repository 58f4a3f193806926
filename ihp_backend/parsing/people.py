"""People in an overview: the boxes around those that the background's prior leaves over."""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.click_kernels import Floats

PERSON: Final = 0.5
"""A cell belongs to people where the prior of the background is below this."""

MAYBE: Final = 0.9
"""The same where somebody clicked and is more easily believed."""

SMALLEST: Final = 6
"""Cells that people have at least; fewer are noise."""

NECKS: Final = (1, 2, 3)
"""Half widths in cells of the necks at which people who touch are told apart."""

OF_ALL: Final = 0.2
"""Share of a component's core that a person has at least."""


class Rectangle(NamedTuple):
    """Rows and columns of cells or pixels; ``bottom`` and ``right`` are not inside any more."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    def contains(self, y: float, x: float) -> bool:
        """Whether the pixel is inside."""
        return self.top <= y < self.bottom and self.left <= x < self.right


def people(background: Floats, threshold: float = PERSON) -> list[Rectangle]:
    """Boxes around people, largest area first.

    People who touch are told apart where a narrow neck joins them.

    Args:
        background: float32 (h, w), the prior of the background in each cell.
        threshold: cells with less belong to people.
    """
    person = (background < threshold).view(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)
    count, components, statistics, _ = cv2.connectedComponentsWithStats(person, connectivity=8)
    found: list[tuple[int, Rectangle]] = []
    for number in range(1, count):
        left, top, width, height, area = statistics[number].tolist()
        if area < SMALLEST:
            continue
        inside = (components[top : top + height, left : left + width] == number).view(np.uint8)
        for part in _told_apart(inside):
            row, column = np.nonzero(part)
            box = Rectangle(top + row.min(), left + column.min(), top + row.max() + 1, left + column.max() + 1)
            found.append((len(row), Rectangle(*map(int, box))))
    return [box for _, box in sorted(found, key=lambda one: -one[0])]


def _told_apart(component: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """The people of one component, bool (h, w) each; one if nothing parts them."""
    # Beyond its box a component ends, so that what touches the edge is thinned from there, too.
    padded = cv2.copyMakeBorder(component, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    for neck in NECKS:
        core = (depth > neck).view(np.uint8)
        _, cores, statistics, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
        areas = statistics[1:, cv2.CC_STAT_AREA]
        large = 1 + np.flatnonzero(areas >= max(OF_ALL * areas.sum(), SMALLEST))
        if len(large) > 1:
            distances = [cv2.distanceTransform((cores != one).view(np.uint8), cv2.DIST_L2, 5) for one in large]
            nearest = np.stack(distances).argmin(0)
            return [np.asarray((nearest == number) & (component > 0)) for number in range(len(large))]
    return [component > 0]
