"""Upsampling of coarse logits to a label map in the photograph's size, within bounded memory.

Interpolating every label to the full size and then taking the largest costs most of a click's time and, for a
12-megapixel photograph with 24 labels, more than a gigabyte. But where the four coarse pixels around a fine pixel
agree on their best label, every mixture of them has that same best label: only the pixels between disagreeing
coarse pixels, the outlines, need to be interpolated. The result is exactly that of the costly way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.answer import first_best

CHUNK = 1 << 12
"""Pixels interpolated at a time: few enough that CHUNK x labels x 4 floats stay in a core's cache."""


def label_map_from_logits(
    logits: NDArray[np.float32], height: int, width: int, rows_per_pixel: float, columns_per_pixel: float
) -> NDArray[np.uint8]:
    """The best label of every pixel after bilinear interpolation of the logits.

    Args:
        logits: float32 (num_labels, h, w).
        height, width: size of the label map.
        rows_per_pixel, columns_per_pixel: logit rows and columns per pixel of the label map; pixel centres correspond
            (torch's ``align_corners=False``) and the outermost logits continue outwards.

    Returns:
        uint8 (height, width).
    """
    best = first_best(logits)
    top, bottom, down = neighbours(height, rows_per_pixel, logits.shape[1])
    left, right, across = neighbours(width, columns_per_pixel, logits.shape[2])
    label_map = best[top[:, None], left]
    # Which pairs of neighbouring coarse pixels disagree, first in the coarse grid, where it is cheap to see.
    below = np.minimum(np.arange(best.shape[0]) + 1, best.shape[0] - 1)
    beside = np.minimum(np.arange(best.shape[1]) + 1, best.shape[1] - 1)
    corner = best[below]
    mixed = (best != corner) | (best != best[:, beside]) | (best != corner[:, beside])
    pixels = np.flatnonzero(mixed[top[:, None], left])
    candidates = np.ascontiguousarray(logits.reshape(len(logits), -1).T)
    flat = label_map.reshape(-1)
    for start in range(0, len(pixels), CHUNK):
        chosen = pixels[start : start + CHUNK]
        rows, columns = np.divmod(chosen, width)
        above, under = top[rows] * logits.shape[2], bottom[rows] * logits.shape[2]
        before, after, share = left[columns], right[columns], across[columns, None]
        upper = _mix(candidates.take(above + before, 0), candidates.take(above + after, 0), share)
        lower = _mix(candidates.take(under + before, 0), candidates.take(under + after, 0), share)
        flat[chosen] = _mix(upper, lower, down[rows, None]).argmax(1)
    return label_map


def _mix(first: NDArray[np.float32], second: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Goes ``share`` of the way from ``first`` to ``second``; writes into ``second``, for speed."""
    second -= first
    second *= share
    second += first
    return second


def neighbours(
    length: int, coarse_per_pixel: float, coarse_length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Coarse positions before and after every fine position, and its share of the way between them."""
    position = (np.arange(length) + 0.5) * coarse_per_pixel - 0.5
    position = np.clip(position, 0, coarse_length - 1)
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, coarse_length - 1)
    return before, after, (position - before).astype(np.float32)
