"""Label maps in another size, with outlines that follow the pixels' middles instead of steps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.upsampling import neighbours


def enlarged(label_map: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """``label_map`` uint8 (rows, columns) in uint8 (height, width).

    Each label is interpolated as a mask of its own and the largest one taken, so that a pixel between four others gets
    the label that is nearest to it in sum. Only pixels between others that disagree are looked at.
    """
    rows, columns = label_map.shape
    if (rows, columns) == (height, width):
        return label_map
    top, bottom, down = neighbours(height, rows / height, rows)
    left, right, across = neighbours(width, columns / width, columns)
    # Wherever the four pixels around one agree, the nearest is as good as any of them.
    result = cv2.resize(label_map, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8, copy=False)
    below = np.minimum(np.arange(rows) + 1, rows - 1)
    beside = np.minimum(np.arange(columns) + 1, columns - 1)
    corner = label_map[below]
    mixed = (label_map != corner) | (label_map != label_map[:, beside]) | (label_map != corner[:, beside])
    y, x = _pixels_of(mixed, top, left)
    flat = label_map.ravel()
    above, under, before, after = top[y] * columns, bottom[y] * columns, left[x], right[x]
    corners = [flat[above + before], flat[above + after], flat[under + before], flat[under + after]]
    low, far = down[y], across[x]
    shares = [(1 - low) * (1 - far), (1 - low) * far, low * (1 - far), low * far]
    votes = [share.copy() for share in shares]
    for one in range(4):
        for other in range(one):
            same = corners[one] == corners[other]
            votes[one] += shares[other] * same
            votes[other] += shares[one] * same
    best, most = corners[0], votes[0]
    for candidate, its_votes in zip(corners[1:], votes[1:], strict=True):
        better = its_votes > most
        best, most = np.where(better, candidate, best), np.where(better, its_votes, most)
    result[y, x] = best
    return result


def _pixels_of(
    mixed: NDArray[np.bool_], top: NDArray[np.intp], left: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixels (y, x) whose upper left neighbour is among the ``mixed``, without looking at all the others."""
    row, column = np.nonzero(mixed)
    # Pixels that share an upper left neighbour follow one another along each axis.
    first_y, first_x = (
        np.searchsorted(axis, np.arange(size + 1)) for axis, size in zip((top, left), mixed.shape, strict=True)
    )
    tall, wide = first_y[row + 1] - first_y[row], first_x[column + 1] - first_x[column]
    block, inside = _enumerate(tall * wide)
    return first_y[row][block] + inside // wide[block], first_x[column][block] + inside % wide[block]


def _enumerate(counts: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For counts (2, 0, 3): which of them, (0, 0, 2, 2, 2), and the how manieth of it, (0, 1, 0, 1, 2)."""
    which = np.repeat(np.arange(len(counts)), counts)
    return which, np.arange(len(which)) - np.repeat(counts.cumsum() - counts, counts)
