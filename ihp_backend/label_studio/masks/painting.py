"""Painting: the regions of an annotation or a draft as one label map, the same for everybody who reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.masks.mask_regions import MaskRegion
from ihp_backend.label_studio.masks.opacity import NothingDrawn
from ihp_backend.label_studio.masks.sizes import Size, named, scaled_alike
from ihp_backend.labels import IGNORE


@dataclass(frozen=True)
class LeftOut:
    """A region that is not in a painting.

    Attributes:
        region: its id.
        reason: why.
        unreadable: something was drawn there, and nobody knows where.
    """

    region: str
    reason: str
    unreadable: bool = False

    def __str__(self) -> str:
        return f"region {self.region}: {self.reason}"


@dataclass(frozen=True)
class Painting:
    """Regions painted over one another in the order in which they were made.

    Attributes:
        label_map: uint8 (height, width), ``IGNORE`` where nothing is painted; None where nothing is at all.
        unknown: bool (height, width), pixels of which the annotation says something that is not understood: those of
            a region without a usable label, and all unpainted ones if a mask cannot be read. The others that are not
            painted were left unpainted on purpose. Only with a label map.
        suggested: pixels painted by regions that are as a model suggested them.
        left_out: regions that are not painted.
    """

    label_map: NDArray[np.uint8] | None
    unknown: NDArray[np.bool_] | None
    suggested: int
    left_out: tuple[LeftOut, ...]


def paint(regions: Sequence[MaskRegion], label_id: Callable[[str], int | None], size: Size | None = None) -> Painting:
    """Paints regions. One that cannot be painted costs nothing but itself.

    Args:
        regions: of one photograph.
        label_id: the id of a label by its name, None for one that is not known.
        size: (height, width) of the photograph, to which masks are brought; None: the size that most regions have.
    """
    left_out: list[LeftOut] = []
    sizes = Counter(region.size for region in regions if region.size is not None)
    canvas = size or (sizes.most_common(1)[0][0] if sizes else (1, 1))
    label_map, unknown = np.full(canvas, IGNORE, np.uint8), np.zeros(canvas, bool)
    suggested = 0
    for region in regions:
        try:
            mask = region.mask()
            if size is not None and mask.shape != size:
                drawn_on = (mask.shape[0], mask.shape[1])
                if not scaled_alike(drawn_on, size):
                    raise ValueError(
                        f"drawn on {named(drawn_on)} pixels, the photograph has {named(size)}; draw it again"
                    )
                mask = cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
            if mask.shape != canvas:
                raise ValueError(
                    f"{mask.shape[1]} x {mask.shape[0]} pixels, others have {named(canvas)}; draw all regions of a "
                    "task on one and the same photograph"
                )
        except NothingDrawn as error:
            left_out.append(LeftOut(region.shown_id, str(error)))
            continue
        except ValueError as error:
            left_out.append(LeftOut(region.shown_id, str(error), unreadable=True))
            continue
        label = None if region.label is None else label_id(region.label)
        if label is None:
            left_out.append(LeftOut(region.shown_id, f"labels {region.labels!r} do not name one label of the config"))
        label_map[mask] = IGNORE if label is None else label
        unknown[mask] = label is None
        suggested += int(mask.sum()) if region.suggested and label is not None else 0
    if (label_map == IGNORE).all():
        return Painting(None, None, 0, tuple(left_out))
    if any(one.unreadable for one in left_out):
        unknown |= label_map == IGNORE
    return Painting(label_map, unknown, suggested, tuple(left_out))
