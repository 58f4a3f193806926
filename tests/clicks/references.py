"""Slow and obvious: simulated annotators label by label with scipy, and edges pixel by pixel.

They draw from the generator in the order in which the package has always drawn, so agreeing with them also means that a
seed goes on giving the clicks that figures were measured with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

LabelMap = NDArray[np.uint8]
EIGHT = np.ones((3, 3), int)

ACCURACY = 0.96
"""Least share of the largest exact distance at the pixel that OpenCV's 5 x 5 mask, 2 % off either way, has farthest."""


@dataclass(frozen=True)
class Interpolation:
    """A region in which one click is due, the random candidates (x, y) and their distances from the boundary."""

    label: int
    candidates: list[tuple[int, int]]
    distances: list[float]

    def best(self) -> tuple[int, int]:
        return self.candidates[int(np.argmax(self.distances))]

    def allows(self, x: int, y: int) -> bool:
        """Whether (x, y) is a candidate and none lies farther from the boundary, OpenCV's accuracy apart."""
        own = [distance for place, distance in zip(self.candidates, self.distances, strict=True) if place == (x, y)]
        return bool(own) and own[0] >= ACCURACY * max(self.distances)


def components(values: NDArray[np.integer]) -> list[NDArray[np.bool_]]:
    """The mask of every 8-connected component of equal, non-zero values, in the order of their first pixels."""
    found = []
    for value in np.setdiff1d(np.unique(values), [0]):
        numbered, count = ndimage.label(values == value, EIGHT)
        found += [numbered == number for number in range(1, count + 1)]
    return sorted(found, key=lambda mask: int(np.flatnonzero(mask)[0]))


def depth(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance of every pixel of a mask from the nearest one outside, those beyond the image border included."""
    return ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]


def choice(mask: NDArray[np.bool_], label_map: LabelMap, rng: np.random.Generator, candidates: int) -> Interpolation:
    """The random candidates in a mask."""
    rows, columns = np.divmod(rng.choice(np.flatnonzero(mask), candidates), mask.shape[1])
    places = list(zip(columns.tolist(), rows.tolist(), strict=True))
    return Interpolation(int(label_map[rows[0], columns[0]]), places, depth(mask)[rows, columns].tolist())


def central_choices(
    parsing: LabelMap, rng: np.random.Generator, candidates: int = 5, minimum_area: int = 60
) -> list[Interpolation]:
    """Where the central clicks on parts are due (IHP, Eq. 4)."""
    masks = components(np.where(parsing == 255, 0, parsing))
    return [choice(mask, parsing, rng, candidates) for mask in masks if mask.sum() >= minimum_area]


def background_pixels(parsing: LabelMap, margin: int) -> set[tuple[int, int]]:
    """(x, y) of the background pixels ``margin`` away from all else, or else of the farthest there are."""
    background = parsing == 0
    if not background.any():
        return set()
    distance = np.full(parsing.shape, np.inf)
    if not background.all():
        distance = ndimage.distance_transform_edt(background)
    far = background & (distance >= ACCURACY * min(margin, distance.max()))
    return {(int(x), int(y)) for y, x in np.argwhere(far)}


def correction_choices(
    wrong: NDArray[np.bool_], label_map: LabelMap, rng: np.random.Generator, count: int, candidates: int = 5
) -> list[Interpolation]:
    """Where the clicks in the ``count`` largest regions of wrong pixels with one value are due."""
    masks = components(np.where(wrong, label_map.astype(int) + 1, 0))
    masks.sort(key=lambda mask: -int(mask.sum()))
    return [choice(mask, label_map, rng, candidates) for mask in masks[:count]]


def near_edges(parsing: LabelMap, margin: int) -> set[tuple[int, int]]:
    """(x, y) of the pixels with a pixel at most ``margin`` away that has a neighbour of another known label."""
    known = {(int(x), int(y)): int(parsing[y, x]) for y, x in np.argwhere(parsing != 255)}
    edges = [
        (x, y)
        for (x, y), label in known.items()
        if any(known.get((x + right, y + down), label) != label for right in (-1, 0, 1) for down in (-1, 0, 1))
    ]
    return {(x, y) for x, y in known if any((x - u) ** 2 + (y - v) ** 2 <= margin**2 for u, v in edges)}
