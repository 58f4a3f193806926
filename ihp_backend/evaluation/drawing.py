"""Pictures of parsings: the photograph, its coloured parts, and the clicks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.parsing.rectangle import Rectangle

Picture = NDArray[np.uint8]


TINT = 0.6
"""Share of a label's colour in its pixels."""


def draw_parsing(
    image: Picture,
    label_map: NDArray[np.uint8],
    labels: LabelSet,
    clicks: Sequence[Click] = (),
    windows: Sequence[Rectangle] = (),
    *,
    outlines: bool = False,
) -> Picture:
    """The photograph with every part tinted in its label's colour and every click as a dot.

    Args:
        image: uint8 (height, width, 3), RGB.
        label_map: uint8 (height, width); background and ignored pixels keep the photograph.
        clicks: dots in their label's colour, ringed white; negative ones are crossed out.
        windows: rectangles of the photograph, framed white.
        outlines: whether a white line goes between parts.

    Returns:
        uint8 (height, width, 3); the arguments stay as they are.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(labels)] = labels.colours
    tinted = cv2.addWeighted(image, 1 - TINT, colours[label_map], TINT, 0)
    picture = np.where(((label_map == 0) | (label_map == IGNORE))[..., None], image, tinted).astype(np.uint8)
    radius = max(round(min(image.shape[:2]) / 80), 2)
    if outlines:
        # Labels differ within a square of this side where its smallest and largest ids do.
        square = np.ones((max(radius // 4, 1) + 1,) * 2, np.uint8)
        picture[cv2.dilate(label_map, square) != cv2.erode(label_map, square)] = 255
    for box in windows:
        corners = (box.left, box.top), (box.right - 1, box.bottom - 1)
        cv2.rectangle(picture, *corners, (255, 255, 255), max(radius // 2, 1))
    for click in clicks:
        place = (click.x, click.y)
        cv2.circle(picture, place, radius + 1, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(picture, place, radius, labels.colours[click.label], cv2.FILLED, cv2.LINE_AA)
        if not click.positive:
            cv2.drawMarker(picture, place, (255, 255, 255), cv2.MARKER_TILTED_CROSS, 2 * radius)
    return picture


def side_by_side(pictures: Sequence[Picture], gap: int = 4) -> Picture:
    """Pictures in a row, top-aligned on white."""
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] + gap for picture in pictures) - gap
    row = np.full((height, width, 3), 255, np.uint8)
    left = 0
    for picture in pictures:
        row[: picture.shape[0], left : left + picture.shape[1]] = picture
        left += picture.shape[1] + gap
    return row
