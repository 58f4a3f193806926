"""People in an overview: the boxes around those that the background's prior leaves over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.rectangle import Rectangle

PERSON: Final = 0.5
"""A cell belongs to people where the prior of the background is below this."""

MAYBE: Final = 0.9
"""The same where somebody clicked and is more easily believed."""

SMALLEST: Final = 6
"""Cells that people have at least; fewer are noise."""

SMALLEST_HEAD: Final = 3
"""Cells that a head has at least."""

OF_LARGEST: Final = 0.25
"""Share of the cells of the largest head in the same component that it has at least."""

SHOULDERS: Final = 1.5
"""Distance between two people's heads, at least, in sides of a square as large as the larger one."""

HEADS: Final = ("face", "head")
"""Names of labels of which a person has one."""

NECKS: Final = (1, 2, 3)
"""Half widths in cells of the necks at which people who touch are told apart."""

OF_ALL: Final = 0.2
"""Share of a component's core that a person has at least."""


def people(background: Floats, head: NDArray[np.bool_], threshold: float = PERSON) -> list[Rectangle]:
    """Boxes around people, largest area first.

    People who touch are told apart by their heads, or where a narrow neck joins them.

    Args:
        background: float32 (h, w), the prior of the background in each cell.
        head: bool (h, w), cells in which the prior sees a head or a face.
        threshold: cells with less background belong to people.
    """
    person = (background < threshold).view(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)
    count, components, statistics, _ = cv2.connectedComponentsWithStats(person, connectivity=8)
    found: list[tuple[int, Rectangle]] = []
    for number in range(1, count):
        left, top, width, height, area = statistics[number].tolist()
        if area < SMALLEST:
            continue
        part = slice(top, top + height), slice(left, left + width)
        inside = components[part] == number
        for somebody in _told_apart(inside, head[part] & inside):
            row, column = np.nonzero(somebody)
            if len(row) >= SMALLEST:
                edges = top + row.min(), left + column.min(), top + row.max() + 1, left + column.max() + 1
                found.append((len(row), Rectangle(*map(int, edges))))
    return [box for _, box in sorted(found, key=lambda one: -one[0])]


def _told_apart(component: NDArray[np.bool_], head: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The people of one component, bool (h, w) each; one if nothing parts them."""
    seeds = _heads(head)
    if seeds is None:
        seeds = _cores(component)
    if seeds is None:
        return [component]
    distances = [
        cv2.distanceTransform((seeds != one).view(np.uint8), cv2.DIST_L2, 5) for one in range(1, int(seeds.max()) + 1)
    ]
    nearest = np.stack(distances).argmin(0)
    return [np.asarray((nearest == number) & component) for number in range(len(distances))]


def _heads(head: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """The heads of different people, numbered from 1, 0 elsewhere; None if there is one at most."""
    _, numbers, statistics, centroids = cv2.connectedComponentsWithStats(head.view(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept: list[int] = []
    for one in np.argsort(-areas, kind="stable").tolist():
        if areas[one] < max(SMALLEST_HEAD, OF_LARGEST * areas.max()):
            break
        # A piece beside a head belongs to it: people have shoulders.
        apart = [np.hypot(*(centroids[one] - centroids[other])) / np.sqrt(areas[other]) for other in kept]
        if min(apart, default=np.inf) > SHOULDERS:
            kept.append(one)
    return _numbered(numbers, kept) if len(kept) > 1 else None


def _cores(component: NDArray[np.bool_]) -> NDArray[np.int32] | None:
    """What is left of a component on both sides of a neck, numbered from 1, 0 elsewhere; None if there is no neck."""
    # Beyond its box a component ends, so that what touches the edge is thinned from there, too.
    padded = cv2.copyMakeBorder(component.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,))
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    for neck in NECKS:
        core = (depth > neck).view(np.uint8)
        _, cores, statistics, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
        areas = statistics[:, cv2.CC_STAT_AREA].copy()
        areas[0] = 0
        large = np.flatnonzero(areas >= max(OF_ALL * areas.sum(), SMALLEST))
        if len(large) > 1:
            return _numbered(cores, large)
    return None


def _numbered(components: NDArray[Any], kept: Sequence[int] | NDArray[np.intp]) -> NDArray[np.int32]:
    """The kept components numbered from 1 in their order, int32 (h, w), 0 elsewhere."""
    order = np.zeros(int(components.max()) + 1, np.int32)
    order[kept] = np.arange(1, len(kept) + 1)
    return order[components]
