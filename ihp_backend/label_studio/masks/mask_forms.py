"""The forms in which a region's value holds its pixels: how each is read and, where masks are returned so, written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.masks.brush_rle import decode, encode_labels
from ihp_backend.label_studio.masks.mask_pictures import mask_data_urls, picture_mask
from ihp_backend.label_studio.masks.opacity import NothingDrawn, painted_pixels
from ihp_backend.label_studio.masks.polygons import polygons
from ihp_backend.label_studio.masks.shape_masks import shape_mask

Read = Callable[[str, Mapping[str, Any], int, int], NDArray[np.bool_]]
Write = Callable[[NDArray[np.uint8], Sequence[int]], Mapping[int, Sequence[dict[str, Any]]]]

_FRACTION_BITS = 4


@dataclass(frozen=True)
class MaskForm:
    """A form.

    Attributes:
        read: (type, value, height, width) -> the painted pixels, bool (height, width); the type is for errors. Raises
            ``NothingDrawn`` where nothing is drawn, ``ValueError`` for a value that cannot be read. None: not read.
        write: (label map, labels) -> for each label the values of its regions, the largest first; the label map is
            uint8 (height, width). None where no tag takes masks in this form.
    """

    read: Read | None = None
    write: Write | None = None


def _read_brush(type_: str, value: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    """A brush region keeps what was there, as RLE or as a picture, and strokes that came to it since."""
    rle, url, touches = (value.get(key) for key in ("rle", "maskDataURL", "touches"))
    if not rle and not url and not touches:
        raise NothingDrawn("value: neither rle nor maskDataURL nor touches; nothing was drawn")
    mask = painted_pixels(decode(rle, height, width)) if rle else np.zeros((height, width), bool)
    if url:
        mask |= _named("value.maskDataURL", url, height, width)
    return _stroked(mask, touches) if touches else mask


def _write_brush(label_map: NDArray[np.uint8], labels: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    # The page would also take a brush's mask as a picture (maskDataURL), but lose it: see docs/editor.md.
    return {label: [{"format": "rle", "rle": rle}] for label, rle in encode_labels(label_map, labels).items()}


def _read_bitmask(type_: str, value: Mapping[str, Any], height: int, width: int) -> NDArray[np.bool_]:
    if not value.get("imageDataURL"):
        raise NothingDrawn("value.imageDataURL: empty; nothing was drawn")
    return _named("value.imageDataURL", value["imageDataURL"], height, width)


def _write_bitmask(label_map: NDArray[np.uint8], labels: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    return {label: [{"imageDataURL": url}] for label, url in mask_data_urls(label_map, labels).items()}


def _write_polygons(label_map: NDArray[np.uint8], labels: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    return {label: [{"points": points, "closed": True} for points in polygons(label_map == label)] for label in labels}


MASK_FORMS: Mapping[str, MaskForm] = {
    "brush": MaskForm(_read_brush, _write_brush),
    "bitmask": MaskForm(_read_bitmask, _write_bitmask),
    "polygon": MaskForm(shape_mask, _write_polygons),
    "ellipse": MaskForm(shape_mask),
    "vector": MaskForm(),
}
"""Each form by its name in the tag table; regions of one that is not read are told of as such."""


def _named(field: str, url: Any, height: int, width: int) -> NDArray[np.bool_]:
    try:
        return picture_mask(url, height, width)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _stroked(mask: NDArray[np.bool_], touches: Any) -> NDArray[np.bool_]:
    """The mask after the strokes of brush and eraser, whose places and widths are in percent of the photograph."""
    height, width = mask.shape
    canvas = mask.astype(np.uint8)
    percent = np.array([width, height]) / 100
    try:
        for touch in touches:
            points = np.array(touch["relativePoints"], float).reshape(-1, 2) * percent - 0.5
            if not np.isfinite(points).all():
                raise ValueError("points that are no numbers")
            thickness = max(round(float(touch["relativeStrokeWidth"]) * percent[0]), 1)
            fixed = np.round(np.clip(points, -width, 2 * width) * (1 << _FRACTION_BITS)).astype(np.int32)
            ink = 0 if touch.get("type") == "eraser" else 1
            cv2.polylines(canvas, [fixed], False, ink, min(thickness, 2 * width), cv2.LINE_8, _FRACTION_BITS)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"value.touches: no strokes of the editor ({error!r})") from None
    return canvas.astype(bool)
