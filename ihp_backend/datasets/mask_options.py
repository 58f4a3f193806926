"""MaskOptions: the meaning of the values in mask files where the files do not give it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from PIL import Image

from ihp_backend.datasets.reading import IdsIn
from ihp_backend.labels import IGNORE, LabelSet

Beyond = Literal["refuse", "ignore"]
Sides = Literal["person", "viewer"]
Item = TypeVar("Item")

_LOOKED_AT = 20
_ORIENTATION = 0x0112  # in EXIF; 1 is upright


@dataclass(frozen=True)
class MaskOptions:
    """Options for reading mask files. None: as the data set is known to be, which is then told as an assumption.

    Attributes:
        first_id: id of the first label, the background (0); lower ids are ignored.
        ids_in: where an id is: "indices" of a palette or values of a grey image; "greys" of the palette's colours or of
            a picture in colour; "colours" of the colour map of PASCAL VOC.
        beyond: what becomes of ids that no label has: "refuse" or "ignore".
        sides: whose left and right the masks name, the "person"'s own or the "viewer"'s.
        upright: whether masks are drawn on photographs turned as their EXIF data say, and not on them as stored.

    Raises:
        ValueError: another value.
    """

    first_id: int | None = None
    ids_in: IdsIn | None = None
    beyond: Beyond | None = None
    sides: Sides | None = None
    upright: bool | None = None

    def __post_init__(self) -> None:
        for name, choices in (("ids_in", get_args(IdsIn)), ("beyond", get_args(Beyond)), ("sides", get_args(Sides))):
            value = getattr(self, name)
            if value is not None and value not in choices:
                raise ValueError(f"{name}: {value!r} is unknown; choose one of {', '.join(choices)}")
        if self.first_id is not None and (type(self.first_id) is not int or not 0 <= self.first_id < 128):
            raise ValueError(f"first_id: {self.first_id!r} is no id; give the background's, for example 1")

    def table(self, labels: LabelSet, table: Sequence[int] | None) -> tuple[int, ...]:
        """The label of every id in the files, 255 where it is ignored.

        Args:
            labels: the data set's.
            table: label per id as the data set is known, None where ids are labels.
        """
        own = tuple(range(len(labels)) if table is None else table)
        if self.sides == "viewer":
            mirrored = labels.mirrored_ids()
            own = tuple(mirrored[label] for label in own)
        return (IGNORE,) * (self.first_id or 0) + own

    def assumptions(self, labels: LabelSet, masks: Sequence[Path], photographs: Sequence[Path]) -> Mapping[str, str]:
        """Assumptions where no option says otherwise; some of the files are read to make them."""
        told = {}
        if self.upright is None and (turned := _turned(photographs)):
            told["upright"] = f"photographs are read as stored, though {turned}; upright=true turns them"
        if self.first_id is None:
            told["first_id"] = "ids count from 0, the background; first_id=1 says from 1"
        if self.ids_in is None:
            told["ids_in"] = f"{_kinds(masks)}; ids_in=greys or ids_in=colours says otherwise"
        if self.sides is None and labels.flip_pairs:
            told["sides"] = "left and right are the person's own; sides=viewer exchanges them"
        return told


def _kinds(masks: Sequence[Path]) -> str:
    """The kinds of the masks, in words."""
    kinds: Counter[str] = Counter()
    for mask in spread(masks, _LOOKED_AT):
        try:
            with Image.open(mask) as image:
                kinds[_kind(image)] += 1
        except (OSError, ValueError, SyntaxError):  # The check names it.
            kinds["cannot be read"] += 1
    found = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"ids are the indices of palettes and the values of grey masks (of {kinds.total()} looked at: {found})"


def _turned(photographs: Sequence[Path]) -> str:
    """Number of photographs that say they are stored turned, in words; empty if none does."""
    looked_at, turned = spread(photographs, _LOOKED_AT), 0
    for photograph in looked_at:
        try:
            with Image.open(photograph) as image:
                turned += image.getexif().get(_ORIENTATION, 1) != 1
        except (OSError, ValueError, SyntaxError):  # The check names it.
            continue
    return f"{turned} of {len(looked_at)} looked at say in EXIF that they are turned" if turned else ""


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """A few items, spread evenly over all."""
    return [items[index] for index in np.unique(np.linspace(0, len(items) - 1, most).astype(int))] if items else []


def _kind(image: Image.Image) -> str:
    if image.mode != "P":
        return "grey" if image.mode in ("1", "L", "I", "I;16") else f"in colour ({image.mode})"
    colours = np.array(image.getpalette(), np.uint8).reshape(-1, 3)
    if (colours != colours[:, :1]).any():
        return "with a palette of colours"
    same = (colours[:, 0] == np.arange(len(colours))).all()
    return "with a palette of the same greys" if same else "with a palette of other greys"
