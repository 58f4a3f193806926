"""Mask records: the regions with pixels of their own among the records of an annotation or a draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.masks.shape_masks import SHAPE_TYPES, shape_mask

MASK_TYPES = ("brushlabels", "brush")

HALF = 127
"""The editor softens the edges of strokes; what is more than half covered belongs to the region."""

_FRACTION_BITS = 4


def mask_records(
    records: Sequence[Mapping[str, Any]], *, shapes: bool = False
) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Each brush region with what it says of its labels: a list of names, or whatever stands there instead.

    With ``shapes`` also each polygon and ellipse.

    A mask that is kept a second time under a prompt's type, which happens when a suggestion is accepted while a label
    is chosen, is left aside. A ``<Brush>`` has its label in another record of the same id.
    """
    paired = {
        str(record.get("id")): as_object(record.get("value")).get("labels")
        for record in records
        if record.get("type") == "labels"
    }
    for record in records:
        kind = record.get("type")
        if kind in MASK_TYPES or (shapes and kind in SHAPE_TYPES):
            value = as_object(record.get("value"))
            yield record, value.get(kind) or value.get("labels") or paired.get(str(record.get("id")))


def record_mask(record: Mapping[str, Any]) -> NDArray[np.bool_]:
    """The mask of a region, bool (original_height, original_width); of a brush also while the page keeps its strokes.

    Raises:
        ValueError: no size, no mask, or one that cannot be read.
    """
    height, width = record.get("original_height"), record.get("original_width")
    if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < 1:
        raise ValueError(f"original_width, original_height: {width!r} x {height!r} is no size of a photograph")
    value, kind = as_object(record.get("value")), record.get("type")
    if kind in SHAPE_TYPES:
        return shape_mask(kind, value, height, width)
    rle, touches = value.get("rle"), value.get("touches")
    if not rle and not touches:
        raise ValueError("value: neither rle nor touches; the region has no mask")
    mask = decode(rle, height, width) > HALF if rle else np.zeros((height, width), bool)
    return _stroked(mask, touches) if touches else mask


def _stroked(mask: NDArray[np.bool_], touches: Any) -> NDArray[np.bool_]:
    """The mask after the strokes of brush and eraser, whose places and widths are in percent of the photograph."""
    height, width = mask.shape
    canvas = mask.astype(np.uint8)
    percent = np.array([width, height]) / 100
    try:
        for touch in touches:
            points = np.array(touch["relativePoints"], float).reshape(-1, 2) * percent - 0.5
            thickness = max(round(float(touch["relativeStrokeWidth"]) * percent[0]), 1)
            fixed = np.round(np.clip(points, -width, 2 * width) * (1 << _FRACTION_BITS)).astype(np.int32)
            ink = 0 if touch.get("type") == "eraser" else 1
            cv2.polylines(canvas, [fixed], False, ink, min(thickness, 2 * width), cv2.LINE_8, _FRACTION_BITS)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"value.touches: no strokes of the editor ({error!r})") from None
    return canvas.astype(bool)
