"""Central clicks: how an annotator starts, with a click per component and one on the background (IHP, IV-A)."""

from __future__ import annotations

import cv2
import numpy as np

from ihp_backend.clicks.click import Click
from ihp_backend.clicks.connected_components import LabelMap, central_pixel, number_regions
from ihp_backend.labels import IGNORE


def central_clicks(
    parsing: LabelMap,
    rng: np.random.Generator,
    *,
    candidates: int = 5,
    minimum_area: int = 60,
    background_margin: int = 10,
) -> list[Click]:
    """The initial clicks: one per connected component of every part and one on the background (IHP, IV-A and Eq. 4).

    The paper gives the background no click in one place and one in another; its click counts on Helen (11 for 11
    labels) only come out with one. They also come out only without the tiny components of the true parsings, of which
    the paper says nothing: hence ``minimum_area``.

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        candidates: random pixels of a component among which the most central one is clicked (the paper's N_c).
        minimum_area: components smaller than this many pixels get no click.
        background_margin: distance in pixels of the background click from every part and every ignored pixel (the
            paper's d_margin); where there is not so much room, as far as there is.

    Returns:
        Positive clicks with the label that is true there, the background's last; none on ignored pixels.

    Examples:
        >>> parsing = np.zeros((80, 80), np.uint8)
        >>> parsing[10:30, 10:30] = 1
        >>> first, background = central_clicks(parsing, np.random.default_rng(0))
        >>> parsing[first.y, first.x] == first.label == 1, background.label
        (True, 0)
        >>> central_clicks(np.full((80, 80), 255, np.uint8), np.random.default_rng(0))
        []
    """
    regions = number_regions(np.where(parsing == IGNORE, np.uint8(0), parsing))
    areas = np.bincount(regions.ravel())
    clicks: list[Click] = []
    for number in range(1, len(areas)):
        if areas[number] >= minimum_area:
            x, y = central_pixel(regions == number, rng, candidates)
            clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks + _background_click(parsing, rng, background_margin)


def _background_click(parsing: LabelMap, rng: np.random.Generator, margin: int) -> list[Click]:
    """One click on the background, ``margin`` pixels or more from all else or as far as there is room."""
    background = parsing == 0
    if not background.any():
        return []
    distance = cv2.distanceTransform(background.view(np.uint8), cv2.DIST_L2, 5)
    # Background has a distance of 1 at least, all else 0: without a margin, too, the click must lie on background.
    pixels = np.flatnonzero(distance >= min(max(margin, 1), distance.max()))
    y, x = divmod(int(rng.choice(pixels)), parsing.shape[1])
    return [Click(x, y, 0)]
