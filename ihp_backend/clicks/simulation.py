"""Simulated annotators: where a person would click, as pure functions of masks and a random generator.

Central clicks follow IHP, Eq. 4: of some random pixels of a component the one farthest from its boundary. The
image border counts as boundary (the distance transform is padded), since a person would not click there either.
"""

from __future__ import annotations

from collections.abc import Collection

import cc3d
import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks.click import Click
from ihp_backend.labels import IGNORE

LabelMap = NDArray[np.uint8]


def central_clicks(
    parsing: LabelMap,
    rng: np.random.Generator,
    *,
    candidates: int = 5,
    minimum_area: int = 60,
    background_margin: int = 10,
) -> list[Click]:
    """The initial clicks: one per connected component of every part and one on the background (IHP, IV-A and Eq. 4).

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        candidates: random pixels of a component among which the most central one is clicked (the paper's N_c).
        minimum_area: components smaller than this many pixels get no click.
        background_margin: distance in pixels of the background click from every part, where there is room for it.
    """
    clicks: list[Click] = []
    foreground = np.where(parsing == IGNORE, 0, parsing)
    components = cc3d.connected_components(foreground, connectivity=8)
    statistics = cc3d.statistics(components, no_slice_conversion=False)
    for component in range(1, len(statistics["voxel_counts"])):
        if statistics["voxel_counts"][component] < minimum_area:
            continue
        rows, columns = statistics["bounding_boxes"][component][:2]
        inside = components[rows, columns] == component
        y, x = _most_central(inside, rng, candidates)
        y, x = y + rows.start, x + columns.start
        clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks + _background_click(parsing, rng, background_margin)


def random_clicks(
    parsing: LabelMap, rng: np.random.Generator, count: int, *, background_limits: tuple[int, int] = (3, 6)
) -> list[Click]:
    """Extra clicks spread evenly over the parts, a limited number of them on the background (IHP, III-C).

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        count: number of clicks in all; fewer come back where the image has too few pixels.
        background_limits: least and largest number of background clicks (the paper's N_b), capped by ``count``.
    """
    on_background = min(int(rng.integers(background_limits[0], background_limits[1] + 1)), count)
    clicks: list[Click] = []
    for wanted, pixels in (
        (on_background, np.flatnonzero(parsing == 0)),
        (count - on_background, np.flatnonzero((parsing != 0) & (parsing != IGNORE))),
    ):
        for pixel in rng.choice(pixels, min(wanted, len(pixels)), replace=False) if len(pixels) else ():
            y, x = divmod(int(pixel), parsing.shape[1])
            clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks


def correction_click(
    parsing: LabelMap,
    predicted: LabelMap,
    rng: np.random.Generator,
    *,
    candidates: int = 5,
    clicked: Collection[tuple[int, int]] = (),
) -> Click | None:
    """The next correction: in the largest wrongly labelled region, with the label that is true there (IHP, IV-B).

    A region is an 8-connected component of wrong pixels that share their true label. ``clicked`` holds (x, y)
    of pixels clicked before, which are never clicked again. None when nothing is left to correct.
    """
    clicks = correction_clicks(parsing, predicted, rng, 1, candidates=candidates, clicked=clicked)
    return clicks[0] if clicks else None


def correction_clicks(
    parsing: LabelMap,
    predicted: LabelMap,
    rng: np.random.Generator,
    count: int,
    *,
    candidates: int = 5,
    clicked: Collection[tuple[int, int]] = (),
) -> list[Click]:
    """Up to ``count`` corrections at once, one in each of the largest wrongly labelled regions, largest first."""
    wrong = (predicted != parsing) & (parsing != IGNORE)
    for x, y in clicked:
        wrong[y, x] = False
    # One more than the true label, so that wrong background pixels form regions too.
    regions = cc3d.connected_components(np.where(wrong, parsing.astype(np.uint16) + 1, 0), connectivity=8)
    statistics = cc3d.statistics(regions, no_slice_conversion=False)
    areas = statistics["voxel_counts"][1:]
    clicks: list[Click] = []
    for region in np.argsort(-areas.astype(np.int64), kind="stable")[:count] + 1:
        rows, columns = statistics["bounding_boxes"][region][:2]
        y, x = _most_central(regions[rows, columns] == region, rng, candidates)
        y, x = y + rows.start, x + columns.start
        clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks


def _most_central(inside: NDArray[np.bool_], rng: np.random.Generator, candidates: int) -> tuple[int, int]:
    """(row, column) of the random pixel of ``inside`` that is farthest from the region's boundary (Eq. 4)."""
    distance = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    pixels = rng.choice(np.flatnonzero(inside), candidates)
    best = pixels[np.argmax(distance.ravel()[pixels])]
    row, column = divmod(int(best), inside.shape[1])
    return row, column


def _background_click(parsing: LabelMap, rng: np.random.Generator, margin: int) -> list[Click]:
    """One click on the background, ``margin`` pixels or more from every part or else as far as there is room."""
    background = parsing == 0
    if not background.any():
        return []
    distance = cv2.distanceTransform(background.astype(np.uint8), cv2.DIST_L2, 5)
    pixels = np.flatnonzero(distance >= min(margin, distance.max()))
    y, x = divmod(int(rng.choice(pixels)), parsing.shape[1])
    return [Click(x, y, 0)]
