"""Geometry: photographs of any size, and their clicks, brought to the size at which a network works."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import IGNORE

LARGEST_ENLARGEMENT = 2.0
"""Tiny photographs are enlarged at most this much: beyond it there is nothing more to see."""

PADDING = 127


def working_scale(height: int, width: int, working_size: int) -> float:
    """Working pixels per image pixel: the longer side becomes ``working_size`` at most, the area half its square.

    Training photographs are upright and slender, one full-body person each. A square or wide photograph shows a person
    from nearer or more besides; scaled by its longer side alone, a portrait's face would be larger than any face the
    network has seen, and every click would cost twice the time.

    Examples:
        >>> working_scale(1024, 400, working_size=512)
        0.5
        >>> working_scale(50, 20, working_size=512)
        2.0
    """
    by_area = working_size / math.sqrt(2 * height * width)
    return min(working_size / max(height, width), by_area, LARGEST_ENLARGEMENT)


def overview_scale(height: int, width: int, working_size: int) -> float:
    """``working_scale`` of a whole photograph: panoramas are larger, by their area alone.

    Scaled by its width, a photograph four times as wide as high would have nobody in it who is large enough to be
    found. Its width is bounded, since a few rows are padded to many.

    Examples:
        >>> working_scale(512, 2048, working_size=512), round(overview_scale(512, 2048, working_size=512), 3)
        (0.25, 0.354)
    """
    scale = working_scale(height, width, working_size)
    by_area = min(working_size / math.sqrt(2 * height * width), 2 * working_size / width, 1)
    return max(scale, by_area) if width > 2 * height else scale


def working_sides(height: int, width: int, scale: float) -> tuple[int, int]:
    """Height and width in working pixels, without padding.

    Examples:
        >>> working_sides(1024, 401, scale=0.5)
        (512, 200)
    """
    return max(round(height * scale), 1), max(round(width * scale), 1)


def to_working_image(image: NDArray[np.uint8], scale: float, multiple_of: int) -> NDArray[np.uint8]:
    """The working image of a photograph, scaled, then padded at bottom and right to multiples of ``multiple_of``.

    Examples:
        >>> to_working_image(np.zeros((100, 50, 3), np.uint8), scale=0.5, multiple_of=16).shape
        (64, 32, 3)
    """
    return in_sides(image, working_sides(image.shape[0], image.shape[1], scale), multiple_of)


def in_sides(image: NDArray[np.uint8], sides: tuple[int, int], multiple_of: int) -> NDArray[np.uint8]:
    """The working image whose height and width, without padding, are ``sides``."""
    rows, columns = sides
    # Means over two pixels by two are many times as fast as other areas, and the same up to rounding.
    while all(have >= 4 * want and have % 2 == 0 for have, want in zip(image.shape, sides, strict=False)):
        half = (image.shape[1] // 2, image.shape[0] // 2)
        image = cv2.resize(image, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    smooth = cv2.INTER_AREA if rows < image.shape[0] else cv2.INTER_LINEAR
    return padded(cv2.resize(image, (columns, rows), interpolation=smooth), multiple_of, PADDING)


def to_working_map(label_map: NDArray[np.uint8], scale: float, multiple_of: int) -> NDArray[np.uint8]:
    """The working map of a label map, scaled and padded like the photograph, with 255 beyond it.

    Examples:
        >>> to_working_map(np.ones((2, 2), np.uint8), scale=1, multiple_of=3).tolist()
        [[1, 1, 255], [1, 1, 255], [255, 255, 255]]
    """
    rows, columns = working_sides(label_map.shape[0], label_map.shape[1], scale)
    scaled = cv2.resize(label_map, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT)
    return padded(scaled, multiple_of, IGNORE)


def padded(picture: NDArray[Any], multiple_of: int, beyond: int) -> NDArray[np.uint8]:
    """A picture with ``beyond`` at bottom and right up to multiples of ``multiple_of``."""
    bottom, right = (-side % multiple_of for side in picture.shape[:2])
    return cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_CONSTANT, value=(beyond,) * 3).astype(np.uint8)


def to_working_clicks(clicks: Iterable[Click], height: int, width: int, scale: float) -> list[Click]:
    """The clicks in working pixels.

    Raises:
        ValueError: a click lies outside the image.

    Examples:
        >>> to_working_clicks([Click(99, 50, 1)], height=200, width=100, scale=0.5)
        [Click(x=49, y=25, label=1, positive=True)]
        >>> to_working_clicks([Click(100, 50, 1)], height=200, width=100, scale=0.5)
        Traceback (most recent call last):
            ...
        ValueError: click: (100, 50) lies outside the image; x goes from 0 to 99, y from 0 to 199
    """
    moved = []
    rows, columns = working_sides(height, width, scale)
    for click in clicks:
        if not (0 <= click.x < width and 0 <= click.y < height):
            raise ValueError(
                f"click: ({click.x}, {click.y}) lies outside the image; x goes from 0 to {width - 1}, "
                f"y from 0 to {height - 1}"
            )
        # Pixel centres are mapped to each other, not pixel corners.
        x = min(int((click.x + 0.5) * columns / width), columns - 1)
        y = min(int((click.y + 0.5) * rows / height), rows - 1)
        moved.append(Click(x, y, click.label, click.positive))
    return moved


def as_batch(working: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A working photograph uint8 (H, W, 3) as networks read it, uint8 (1, 3, H, W).

    Examples:
        >>> as_batch(np.zeros((32, 16, 3), np.uint8)).shape
        (1, 3, 32, 16)
    """
    return np.ascontiguousarray(working.transpose(2, 0, 1)[None])
