"""Label maps in another size, with outlines that follow the pixels' middles instead of steps."""

from __future__ import annotations

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
    below = np.minimum(np.arange(rows) + 1, rows - 1)
    beside = np.minimum(np.arange(columns) + 1, columns - 1)
    corner = label_map[below]
    mixed = (label_map != corner) | (label_map != label_map[:, beside]) | (label_map != corner[:, beside])
    # The four around a pixel are those from its upper left on: enlarged by look-up of that one, row by row first.
    result = label_map[top].take(left, 1)
    y, x = np.nonzero(mixed.view(np.uint8)[top].take(left, 1))
    flat = label_map.ravel()
    above, under, before, after = top[y] * columns, bottom[y] * columns, left[x], right[x]
    corners = [flat[above + before], flat[above + after], flat[under + before], flat[under + after]]
    low, far = down[y], across[x]
    shares = [(1 - low) * (1 - far), (1 - low) * far, low * (1 - far), low * far]
    best, most = corners[0], np.full(len(y), -1, np.float32)
    for candidate in corners:
        votes = sum(share * (corner == candidate) for corner, share in zip(corners, shares, strict=True))
        better = votes > most
        best, most = np.where(better, candidate, best), np.where(better, votes, most)
    result[y, x] = best
    return result
