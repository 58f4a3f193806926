"""Extra clicks: what a training sample gets beyond the central clicks, anywhere or near edges (IHP, III-C)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks.click import Click
from ihp_backend.clicks.connected_components import LabelMap
from ihp_backend.labels import IGNORE


def random_clicks(
    parsing: LabelMap, rng: np.random.Generator, count: int, *, background_limits: tuple[int, int] = (3, 6)
) -> list[Click]:
    """Extra clicks spread evenly over the parts, a limited number of them on the background (IHP, III-C).

    The paper limits the background clicks to [N_b1, N_b2] without saying how. Here their number is drawn evenly from
    these limits and never exceeds ``count``, which counts the background's clicks, too. A central click on the
    background comes on top.

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        count: number of clicks in all; fewer come back where the image has too few pixels.
        background_limits: least and largest number of background clicks (the paper's N_b), capped by ``count``.

    Returns:
        Positive clicks with the label that is true there, the background's first; no pixel twice, none ignored.

    Examples:
        >>> parsing = np.repeat(np.array([[0, 1]], np.uint8), 20, axis=0)
        >>> clicks = random_clicks(parsing, np.random.default_rng(0), count=8, background_limits=(3, 3))
        >>> [click.label for click in clicks]
        [0, 0, 0, 1, 1, 1, 1, 1]
    """
    return _spread_clicks(parsing, parsing != IGNORE, rng, count, background_limits)


def near_edge_clicks(
    parsing: LabelMap,
    rng: np.random.Generator,
    count: int,
    *,
    margin: int = 10,
    background_limits: tuple[int, int] = (3, 6),
) -> list[Click]:
    """Extra clicks where components meet, a limited number of them on the background side (IHP, III-C).

    An edge pixel is one with another label among its eight neighbours. Neither the image border nor a neighbour
    that is ignored makes an edge: the padding of a training crop shows nothing of where a part ends.

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        count: number of clicks in all; fewer come back where too few pixels lie near an edge, none without an edge.
        margin: distance in pixels up to which a pixel is near an edge pixel (the paper's d_margin: 10, on Helen 3).
        background_limits: as of ``random_clicks``.

    Returns:
        As of ``random_clicks``.
    """
    # Ignored pixels take the value that cannot win: the least for the maximum, the greatest for the minimum.
    square = np.ones((3, 3), np.uint8)
    greatest = cv2.dilate(np.where(parsing == IGNORE, np.uint8(0), parsing), square)
    least = cv2.erode(parsing, square)
    known = parsing != IGNORE
    edge = known & ((greatest != parsing) | (least != parsing))
    distance = cv2.distanceTransform((~edge).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return _spread_clicks(parsing, known & (distance <= margin), rng, count, background_limits)


def _spread_clicks(
    parsing: LabelMap,
    allowed: NDArray[np.bool_],
    rng: np.random.Generator,
    count: int,
    background_limits: tuple[int, int],
) -> list[Click]:
    """``count`` clicks on different allowed pixels, the background's number drawn from its limits."""
    on_background = min(int(rng.integers(background_limits[0], background_limits[1] + 1)), count)
    clicks: list[Click] = []
    for wanted, pixels in (
        (on_background, np.flatnonzero(allowed & (parsing == 0))),
        (count - on_background, np.flatnonzero(allowed & (parsing != 0))),
    ):
        for pixel in rng.choice(pixels, min(wanted, len(pixels)), replace=False) if len(pixels) else ():
            y, x = divmod(int(pixel), parsing.shape[1])
            clicks.append(Click(x, y, int(parsing[y, x])))
    return clicks
