"""The pixels near the edges between parts, where parsers differ most (IHP, Table II)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE

BAND = 5
"""Pixels that the paper's band reaches to either side of an edge."""


def near_edge(parsing: NDArray[np.uint8], distance: int = BAND) -> NDArray[np.bool_]:
    """Pixels with a pixel of another label no farther away than ``distance``, bool (height, width).

    Ignored pixels are no label: they neither make an edge nor belong to the band.

    Examples:
        >>> near_edge(np.array([[1, 1, 1, 2, 2, 2]], np.uint8), distance=1).tolist()
        [[False, False, True, True, False, False]]
    """
    reach = np.arange(-distance, distance + 1)
    disk = (reach[:, None] ** 2 + reach**2 <= distance**2).astype(np.uint8)
    # A disk that holds two labels has a largest one that is not its smallest; IGNORE must be neither.
    counted = parsing != IGNORE
    largest = cv2.dilate(np.where(counted, parsing, 0).astype(np.uint8), disk)
    smallest = cv2.erode(parsing, disk)
    return (largest != smallest) & counted
