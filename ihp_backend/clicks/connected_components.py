"""Regions: the connected pieces of a label map, and where in one a person would click (IHP, Eq. 4)."""

from __future__ import annotations

import cc3d
import cv2
import numpy as np
from numpy.typing import NDArray

LabelMap = NDArray[np.uint8]


def number_regions(label_map: LabelMap) -> NDArray[np.unsignedinteger]:
    """Numbers of the 8-connected regions of equal values, from 1 on, in the order of first pixels; 0 stays 0.

    Examples:
        >>> number_regions(np.array([[1, 0, 2], [1, 0, 2]], np.uint8)).tolist()
        [[1, 0, 2], [1, 0, 2]]
    """
    return cc3d.connected_components(label_map, connectivity=8)


def central_pixel(region: NDArray[np.bool_], rng: np.random.Generator, candidates: int) -> tuple[int, int]:
    """The random pixel of a region that lies farthest from its boundary (IHP, Eq. 4).

    The paper leaves open whether the image border is boundary. Here it is, as in most simulated annotators: the middle
    of what can be seen of a part is not at the border. Distances are OpenCV's with a 5 x 5 mask, exact to 2 %.

    Args:
        region: bool (height, width), True inside; at least one pixel.
        rng: source of randomness.
        candidates: number of random pixels, drawn with replacement, of which the farthest is taken (the paper's N_c).

    Returns:
        (x, y) of the pixel.

    Raises:
        ValueError: no candidates asked for.

    Examples:
        >>> region = np.zeros((5, 9), bool)
        >>> region[1:4, 2:7] = True
        >>> central_pixel(region, np.random.default_rng(0), candidates=100)
        (4, 2)
    """
    if candidates < 1:
        raise ValueError(f"candidates: {candidates} given; at least 1 needed")
    left, top, width, height = cv2.boundingRect(region.view(np.uint8))
    inside = np.ascontiguousarray(region[top : top + height, left : left + width])
    padded = cv2.copyMakeBorder(inside.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    pixels = rng.choice(np.flatnonzero(inside), candidates)
    rows, columns = np.divmod(pixels, width)
    best = int(np.argmax(distance[rows, columns]))
    return left + int(columns[best]), top + int(rows[best])
