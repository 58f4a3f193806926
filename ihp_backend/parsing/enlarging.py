"""Label maps in another size, with outlines that follow the pixels' middles instead of steps."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.upsampling import neighbours

PHASES = 64
"""Places between two pixels are told apart this finely."""

FOUR = np.ones((2, 2), np.uint8)
"""A pixel and the next ones to the right and below."""

PAIRS = tuple(combinations(range(4), 2))
"""The four pixels around a place, two at a time: upper left, upper right, lower left, lower right."""


def enlarged(label_map: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """``label_map`` uint8 (rows, columns) in uint8 (height, width).

    Each label is interpolated as a mask of its own and the largest one taken, so that a pixel between four others gets
    the label that is nearest to it in sum. Only pixels between others that disagree are looked at, and which of the
    four wins is looked up: it depends on which of them are equal and on the place between them.

    Examples:
        >>> enlarged(np.array([[1, 2]], np.uint8), height=1, width=6).tolist()
        [[1, 1, 1, 2, 2, 2]]
    """
    rows, columns = label_map.shape
    if (rows, columns) == (height, width):
        return label_map
    if not label_map.any():
        return np.zeros((height, width), np.uint8)
    top, _, down = neighbours(height, rows / height, rows)
    left, _, across = neighbours(width, columns / width, columns)
    # Wherever the four pixels around one agree, the upper left is as good as any of them.
    result = label_map[:, left].take(top, 0)
    mixed = cv2.dilate(label_map, FOUR, anchor=(0, 0)) != cv2.erode(label_map, FOUR, anchor=(0, 0))
    row, column = np.divmod(np.flatnonzero(mixed), columns)
    below, beside = np.minimum(row + 1, rows - 1), np.minimum(column + 1, columns - 1)
    corners = np.stack([label_map[y, x] for y in (row, below) for x in (column, beside)])
    alike = sum((corners[one] == corners[other]).view(np.uint8) << bit for bit, (one, other) in enumerate(PAIRS))
    # Pixels that share an upper left neighbour follow one another along each axis, as rectangles of few sizes.
    first_y, first_x = (np.searchsorted(axis, np.arange(size + 1)) for axis, size in ((top, rows), (left, columns)))
    tall, wide = np.diff(first_y)[row], np.diff(first_x)[column]
    # The share of the next pixel may be rounded up to all of it.
    phase_y, phase_x = (np.minimum(axis * PHASES, PHASES - 1).astype(np.uint8) for axis in (down, across))
    for size_y, size_x in product(*(np.flatnonzero(np.bincount(sizes)) for sizes in (tall, wide))):
        here = np.flatnonzero((tall == size_y) & (wide == size_x))
        y = (first_y[row[here]][:, None] + np.arange(size_y))[:, :, None]
        x = (first_x[column[here]][:, None] + np.arange(size_x))[:, None, :]
        winner = _winners()[alike[here][:, None, None], phase_y[y], phase_x[x]]
        result[y, x] = corners[winner, here[:, None, None]]
    return result


@cache
def _winners() -> NDArray[np.uint8]:
    """The pixel of four that has most of a place: uint8 (which pairs are equal, phase down, phase across)."""
    far = (np.arange(PHASES) + 0.5) / PHASES
    shares = [y[:, None] * x for y in (1 - far, far) for x in (1 - far, far)]
    winners = np.empty((1 << len(PAIRS), PHASES, PHASES), np.uint8)
    for alike in range(len(winners)):
        votes = np.stack(shares)
        for bit, (one, other) in enumerate(PAIRS):
            if alike >> bit & 1:
                votes[one] += shares[other]
                votes[other] += shares[one]
        winners[alike] = votes.argmax(0)
    return winners
