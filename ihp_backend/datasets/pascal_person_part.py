"""PASCAL-Person-Part (Chen et al. 2014): photographs of PASCAL VOC 2010 with people, 7 labels.

Two orders of ids circulate. Which one a copy has is told by geometry: on average, the head is the topmost part. What is
yielded always has DeepLab's order, that of the papers' tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ihp_backend.datasets.layouts import Layout, Source, list_files
from ihp_backend.datasets.mask_options import MaskOptions, spread
from ihp_backend.datasets.paired_files import Pair
from ihp_backend.datasets.reading import read_mask
from ihp_backend.datasets.sourced_pairs import SourcedPairs
from ihp_backend.labels import IGNORE, PASCAL_PERSON_PART, PASCAL_PERSON_PART_M2FP

Order = Literal["deeplab", "m2fp"]

TABLES: dict[Order, tuple[int, ...]] = {
    "deeplab": tuple(range(len(PASCAL_PERSON_PART))),
    "m2fp": tuple(PASCAL_PERSON_PART.id_of(name) for name in PASCAL_PERSON_PART_M2FP.names),
}
"""For each order of the files: id in a file -> label."""

_HEADS: dict[int, Order] = {PASCAL_PERSON_PART.id_of("head"): "deeplab", PASCAL_PERSON_PART_M2FP.id_of("head"): "m2fp"}
_OTHER: dict[Order, Order] = {"deeplab": "m2fp", "m2fp": "deeplab"}
_MASKS_LOOKED_AT = 100


def _layouts(split: str, folder: str) -> tuple[Layout, ...]:
    return (
        Layout("JPEGImages/{id}.jpg", "SegmentationPart/{id}.png", list_files(split), shared=True),
        Layout(f"{folder}/Images/{{id}}.jpg", f"{folder}/Category_ids/{{id}}.png", list_files(split, folder)),
        Layout(f"img_dir/{split}/{{id}}.jpg", f"ann_dir/{split}/{{id}}.png"),
    )


SOURCE = Source(
    title="PASCAL-Person-Part",
    layouts={"train": _layouts("train", "Training"), "val": _layouts("val", "Testing")},
    remedy=(
        "give the folder that holds them; photographs come with PASCAL VOC 2010, merged masks with the copies of "
        "Graphonomy, SCHP or M2FP (see docs/datasets.md). Annotations_Part/*.mat of PASCAL-Part are not merged yet and "
        "cannot be read"
    ),
    ids_like="2008_000008",
    no_split="what some call its test split is val",
)


class PascalPersonPartDataset(SourcedPairs):
    """One split of PASCAL-Person-Part, in DeepLab's order of ids.

    Args:
        root: folder of the data set in a layout that circulates (see ``SOURCE``).
        split: "train" or "val".
        order: the order of ids in the files; None finds it out.
        options: see ``SourcedPairs``.

    Attributes:
        order: that of the files.

    Raises:
        FileNotFoundError: the folder has none of the layouts.
        ValueError: the split or the order does not exist, or the order cannot be found out.
    """

    source, named = SOURCE, PASCAL_PERSON_PART

    def __init__(self, root: Path | str, split: str, *, order: Order | None = None, **options: Any) -> None:
        if order is not None and order not in TABLES:
            raise ValueError(f"order: {order!r} is unknown; choose one of {', '.join(TABLES)}")
        self.order: Order = order or "deeplab"
        self._given = order is not None
        super().__init__(root, split, **options)

    def _order(self, pairs: Sequence[Pair], options: MaskOptions) -> tuple[Sequence[int] | None, Mapping[str, str]]:
        told = {}
        if not self._given and pairs:
            self.order, evidence = find_order(pairs, options)
            told["order"] = f"{self.order}, since {evidence}; order={_OTHER[self.order]} says otherwise"
        return TABLES[self.order], told


def find_order(pairs: Sequence[Pair], options: MaskOptions | None = None) -> tuple[Order, str]:
    """The order of ids in masks, by which part lies highest on average over some of them, and the evidence in words.

    Args:
        pairs: their files.
        options: how the masks are read.

    Raises:
        SampleError: a mask cannot be read.
        ValueError: no part is seen, or the one that lies highest is the head in neither order.
    """
    options = options or MaskOptions()
    heights = np.zeros(len(PASCAL_PERSON_PART))
    seen = np.zeros(len(PASCAL_PERSON_PART), np.int64)
    chosen = spread(pairs, _MASKS_LOOKED_AT)
    table = np.full(256, IGNORE, np.uint8)
    as_they_are = options.table(PASCAL_PERSON_PART, None)
    table[: len(as_they_are)] = as_they_are
    for pair in chosen:
        mask = table[read_mask(pair.mask, options.ids_in or "indices")]
        rows, columns = np.nonzero((mask > 0) & (mask != IGNORE))
        ids = mask[rows, columns]
        middle = rows.mean() if len(rows) else 0
        for part in range(1, len(PASCAL_PERSON_PART)):
            if (of_part := rows[ids == part]).size:
                heights[part] += (middle - of_part.mean()) / mask.shape[0]
                seen[part] += 1
    if not seen.any():
        raise ValueError(f"order: no part in the masks beside {pairs[0].mask}; check that they hold ids 0 to 6")
    mean = np.where(seen > 0, heights / np.maximum(seen, 1), -np.inf)
    topmost, next_one = np.argsort(mean)[::-1][:2]
    if topmost not in _HEADS:
        raise ValueError(
            f"order: on average id {topmost} lies highest, but the head has id 1 (deeplab) or 2 (m2fp); check that the "
            "masks are of this data set, or give order"
        )
    evidence = f"id {topmost} lies highest in {len(chosen)} masks looked at, {100 * mean[topmost]:.0f} % of the height"
    below = f"id {next_one} with {100 * mean[next_one]:.0f} %" if seen[next_one] else "no other part"
    return _HEADS[int(topmost)], f"{evidence} above the middle of the people, next {below}"
