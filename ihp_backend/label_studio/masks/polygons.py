"""Polygons around a mask, for projects whose labelling config wants them instead of brushes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MOST = 20
"""Polygons of a mask; smaller pieces than the largest ones are left out."""

TOLERANCE = 0.75
"""Pixels by which a polygon may differ from the outline, so that it has as few corners as people would make."""


def polygons(mask: NDArray[np.bool_]) -> list[list[list[float]]]:
    """Polygons around the pieces of a mask, the largest first; holes are filled, for polygons have none.

    Args:
        mask: bool (height, width).

    Returns:
        Corners as [x, y] in percent of the photograph; pieces too thin to have three corners are left out.

    Examples:
        >>> mask = np.zeros((10, 10), bool)
        >>> mask[2:8, 2:8] = True
        >>> polygons(mask)
        [[[25.0, 25.0], [25.0, 75.0], [75.0, 75.0], [75.0, 25.0]]]
    """
    height, width = mask.shape
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    simple = [cv2.approxPolyDP(outline, TOLERANCE, True)[:, 0] for outline in outlines]
    whole = sorted((corners for corners in simple if len(corners) >= 3), key=cv2.contourArea, reverse=True)
    # An outline goes through the middles of its pixels.
    scale = 100 / np.array([width, height])
    return [np.round((corners + 0.5) * scale, 4).tolist() for corners in whole[:MOST]]
