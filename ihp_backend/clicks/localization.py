"""Localization maps: the form in which a network sees clicks (IHP, Eq. 1).

The map of a label holds, for every pixel, the squared Euclidean distance to the nearest click of that label,
truncated at 255; a label without a click has the constant 255. A click therefore changes only the pixels less
than 16 away from it, so a map is made by stamping one small precomputed patch per click and never needs a
distance transform; a further click is one more stamp.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks.click import Click

FAR = 255
"""Value of a map where no click is near."""

REACH = 15
"""Largest offset along an axis at which the squared distance is still below ``FAR``."""

_OFFSETS = np.arange(-REACH, REACH + 1)
_STAMP = np.minimum(_OFFSETS[:, None] ** 2 + _OFFSETS[None, :] ** 2, FAR).astype(np.uint8)


def localization_maps(
    clicks: Iterable[Click], height: int, width: int, num_labels: int, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """The localization maps of all positive clicks (IHP, Eq. 1).

    Args:
        clicks: in pixels of the map; negative clicks leave no mark.
        height, width: size of the maps in pixels.
        num_labels: number of maps, the background's included.
        out: uint8 (num_labels, height, width), overwritten and returned; saves the allocation.

    Returns:
        uint8 (num_labels, height, width): min(squared distance to the nearest click of the label, 255).

    Raises:
        ValueError: a click outside the map or of a label that has none, or ``out`` of another shape.

    Examples:
        >>> maps = localization_maps([Click(2, 0, label=1)], height=1, width=5, num_labels=2)
        >>> maps[1].tolist(), maps[0].tolist()
        ([[4, 1, 0, 1, 4]], [[255, 255, 255, 255, 255]])
    """
    shape = (num_labels, height, width)
    if out is None:
        out = np.empty(shape, np.uint8)
    elif out.shape != shape or out.dtype != np.uint8:
        raise ValueError(f"out: {out.dtype} {out.shape} given, uint8 {shape} needed")
    out.fill(FAR)
    for click in clicks:
        add_click(out, click)
    return out


def add_click(maps: NDArray[np.uint8], click: Click) -> None:
    """Stamp a further click into ``maps`` (uint8 (num_labels, height, width)), in place.

    Raises:
        ValueError: the click lies outside the maps or its label has no map.

    Examples:
        >>> maps = np.full((2, 1, 4), FAR, np.uint8)
        >>> add_click(maps, Click(0, 0, label=1))
        >>> maps[1].tolist()
        [[0, 1, 4, 9]]
        >>> add_click(maps, Click(9, 0, label=1))
        Traceback (most recent call last):
            ...
        ValueError: click: (9, 0) lies outside the image; x goes from 0 to 3, y to 0
    """
    num_labels, height, width = maps.shape
    x, y = click.x, click.y
    if not (0 <= x < width and 0 <= y < height):
        raise ValueError(f"click: ({x}, {y}) lies outside the image; x goes from 0 to {width - 1}, y to {height - 1}")
    if not 0 <= click.label < num_labels:
        raise ValueError(f"click: label id {click.label} does not exist; ids go from 0 to {num_labels - 1}")
    if not click.positive:
        return
    top, left = max(y - REACH, 0), max(x - REACH, 0)
    window = maps[click.label, top : y + REACH + 1, left : x + REACH + 1]
    rows, columns = top - y + REACH, left - x + REACH
    np.minimum(window, _STAMP[rows : rows + window.shape[0], columns : columns + window.shape[1]], out=window)
