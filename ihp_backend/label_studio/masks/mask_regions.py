"""Mask regions: what is drawn in an annotation or a draft, region by region, and the pixels of each.

This is the one reading of a mask, for drafts, accepted annotations and exports.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.masks.mask_pictures import picture_mask
from ihp_backend.label_studio.masks.opacity import NothingDrawn, painted_pixels
from ihp_backend.label_studio.masks.shape_masks import SHAPE_TYPES, shape_mask
from ihp_backend.label_studio.masks.sizes import MOST_PIXELS

_BRUSH_TYPES = ("brushlabels", "brush", "magicwand")
_BITMASK_TYPES = ("bitmasklabels", "bitmask")
_UNREAD_TYPES = ("vectorlabels", "vector")
"""Drawn areas of kinds that are not read; they are told of as such."""

MASK_TYPES = (*_BRUSH_TYPES, *_BITMASK_TYPES, *SHAPE_TYPES, *_UNREAD_TYPES)

_FRACTION_BITS = 4


@dataclass(frozen=True)
class MaskRegion:
    """A region with pixels of its own, still encoded.

    Attributes:
        id: Label Studio's id of the region, shortened.
        kind: its type, one of ``MASK_TYPES``.
        labels: what the region says of its labels: a list of names, or whatever stands there instead.
        to_name: the image tag that it is on, None if not said.
        suggested: whether it is as a model suggested it.
        size: (height, width) of the photograph in pixels, None if not said.
        value: the mask.
    """

    id: str
    kind: str
    labels: Any
    to_name: str | None
    suggested: bool
    size: tuple[int, int] | None
    value: Mapping[str, Any]

    @property
    def label(self) -> str | None:
        """The region's label, None if it does not have just one."""
        one = isinstance(self.labels, list) and len(self.labels) == 1 and isinstance(self.labels[0], str)
        return self.labels[0] if one else None

    def packed(self) -> MaskRegion:
        """The same region in less memory, for those who hold a whole project's: a list of RLE bytes takes eightfold."""
        rle = self.value.get("rle")
        try:
            return replace(self, value={**self.value, "rle": bytes(rle)}) if isinstance(rle, list) else self
        except (TypeError, ValueError):
            return self  # Told of when it is read.

    def mask(self) -> NDArray[np.bool_]:
        """Its painted pixels, bool (height, width); of a brush also while the page keeps its strokes.

        Raises:
            NothingDrawn: there are none.
            ValueError: no size, or a mask that cannot be read.
        """
        if self.kind in _UNREAD_TYPES:
            raise ValueError(f"regions of type {self.kind} are not read; draw it with the brush or as a polygon")
        if self.size is None:
            raise ValueError("original_width, original_height: no size of a photograph")
        height, width = self.size
        if self.kind in SHAPE_TYPES:
            mask = shape_mask(self.kind, self.value, height, width)
        elif self.kind in _BITMASK_TYPES:
            if not self.value.get("imageDataURL"):
                raise NothingDrawn("value.imageDataURL: empty; nothing was drawn")
            mask = _named("value.imageDataURL", self.value["imageDataURL"], height, width)
        else:
            mask = self._brushed(height, width)
        if not mask.any():
            raise NothingDrawn("value: no pixel is painted, or all were erased")
        return mask

    def _brushed(self, height: int, width: int) -> NDArray[np.bool_]:
        """A brush region keeps what was there, as RLE or as a picture, and strokes that came to it since."""
        rle, url, touches = (self.value.get(key) for key in ("rle", "maskDataURL", "touches"))
        if not rle and not url and not touches:
            raise NothingDrawn("value: neither rle nor maskDataURL nor touches; nothing was drawn")
        mask = painted_pixels(decode(rle, height, width)) if rle else np.zeros((height, width), bool)
        if url:
            mask |= _named("value.maskDataURL", url, height, width)
        return _stroked(mask, touches) if touches else mask


def mask_regions(records: Sequence[Mapping[str, Any]]) -> Iterator[MaskRegion]:
    """The mask regions among the records of an annotation or a draft, in their order.

    A mask that is kept a second time under a prompt's type, which happens when a suggestion is accepted while a label
    is chosen, is left aside. A ``<Brush>`` has its label in another record of the same id. Rectangles are no masks:
    here they are prompts, drawn around what is meant.
    """
    paired = {
        str(record.get("id")): as_object(record.get("value")).get("labels")
        for record in records
        if record.get("type") == "labels"
    }
    for record in records:
        kind, value, to_name = record.get("type"), as_object(record.get("value")), record.get("to_name")
        if kind not in MASK_TYPES:
            continue
        yield MaskRegion(
            id=str(record.get("id"))[:40],
            kind=kind,
            labels=value.get(kind) or value.get("labels") or paired.get(str(record.get("id"))),
            to_name=to_name if isinstance(to_name, str) else None,
            suggested=record.get("origin") == "prediction",
            size=_size(record.get("original_height"), record.get("original_width")),
            value=value,
        )


def _size(height: Any, width: Any) -> tuple[int, int] | None:
    usable = type(height) is int and type(width) is int and height > 0 and width > 0
    return (height, width) if usable and height * width <= MOST_PIXELS else None


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
            thickness = max(round(float(touch["relativeStrokeWidth"]) * percent[0]), 1)
            fixed = np.round(np.clip(points, -width, 2 * width) * (1 << _FRACTION_BITS)).astype(np.int32)
            ink = 0 if touch.get("type") == "eraser" else 1
            cv2.polylines(canvas, [fixed], False, ink, min(thickness, 2 * width), cv2.LINE_8, _FRACTION_BITS)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"value.touches: no strokes of the editor ({error!r})") from None
    return canvas.astype(bool)
