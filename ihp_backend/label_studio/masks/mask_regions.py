"""Mask regions: what is drawn in an annotation or a draft, region by region, and the pixels of each.

This is the one reading of a mask, for drafts, accepted annotations and exports.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from ihp_backend.label_studio.config.tag_table import LABELLING_TAGS, tag_of
from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.masks.mask_forms import MASK_FORMS
from ihp_backend.label_studio.masks.opacity import NothingDrawn
from ihp_backend.label_studio.masks.sizes import MOST_PIXELS, stated_size

MASK_TYPES = tuple(tag.type for tag in LABELLING_TAGS if tag.mask_form)
"""Of regions with pixels of their own."""


@dataclass(frozen=True)
class MaskRegion:
    """A region with pixels of its own, still encoded.

    Attributes:
        id: Label Studio's id of the region.
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
    def shown_id(self) -> str:
        """The id as messages show it."""
        return self.id[:40]

    @property
    def label(self) -> str | None:
        """The region's label, None if it does not have just one."""
        one = isinstance(self.labels, list) and len(self.labels) == 1 and isinstance(self.labels[0], str)
        return self.labels[0] if one else None

    def packed(self) -> MaskRegion:
        """This region in less memory, for a whole project's regions: a list of RLE bytes takes eight times as much."""
        rle = self.value.get("rle")
        try:
            return replace(self, value={**self.value, "rle": bytes(rle)}) if isinstance(rle, list) else self
        except (TypeError, ValueError):
            return self  # Told of when it is read.

    @cached_property
    def look(self) -> int:
        """A number for the pixels, below 2**56: the same however they are encoded, in every process.

        Of a mask that cannot be read it is that of its value.
        """
        return _look(self)

    def mask(self) -> NDArray[np.bool_]:
        """The region's painted pixels, bool (height, width); of a brush also while the page keeps its strokes.

        Raises:
            NothingDrawn: there are none.
            ValueError: no size, or a mask that cannot be read.
        """
        form = tag_of(self.kind).mask_form
        read = MASK_FORMS[form].read if form else None
        if read is None:
            raise ValueError(f"regions of type {self.kind} are not read; draw it with the brush or as a polygon")
        if self.size is None:
            raise ValueError("original_width, original_height: no size of a photograph")
        height, width = self.size
        mask = read(self.kind, self.value, height, width)
        if not mask.any():
            raise NothingDrawn("value: no pixel is painted, or all were erased")
        return mask


def _written(region: MaskRegion) -> bytes:
    """A digest of all that its pixels are made from."""
    value = region.packed().value
    parts = sorted(value.items(), key=lambda item: str(item[0]))
    return _digest(repr((region.kind, region.size, parts)).encode("utf-8", "surrogatepass"))


# A mask is looked at with every click, but decoded once.
@cached(LRUCache(4096), key=_written, lock=threading.Lock())
def _look(region: MaskRegion) -> int:
    try:
        pixels = np.packbits(region.mask()).tobytes()
    except ValueError:
        pixels = _written(region)
    return int.from_bytes(_digest(pixels), "big")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=7).digest()


def mask_regions(records: Sequence[Mapping[str, Any]]) -> Iterator[MaskRegion]:
    """The mask regions among the records of an annotation or a draft, in their order.

    A mask that is kept a second time under a prompt's type, which happens when a suggestion is accepted while a label
    is chosen, is left aside. A ``<Brush>`` has its label in another record of the same id. Rectangles are no masks:
    here they are prompts, drawn around what is meant.
    """
    paired = {
        str(record.get("id")): as_object(record.get("value")).get("labels")
        for record in records
        if tag_of(record.get("type")).is_shared
    }
    for record in records:
        kind, value, to_name = record.get("type"), as_object(record.get("value")), record.get("to_name")
        if kind not in MASK_TYPES:
            continue
        size = stated_size(record)
        yield MaskRegion(
            id=str(record.get("id")),
            kind=kind,
            labels=value.get(kind) or value.get("labels") or paired.get(str(record.get("id"))),
            to_name=to_name if isinstance(to_name, str) else None,
            suggested=record.get("origin") == "prediction",
            size=size if size and size[0] * size[1] <= MOST_PIXELS else None,
            value=value,
        )
