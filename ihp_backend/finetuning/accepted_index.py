"""The index of an accepted set: what is in it, and why tasks are left out."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any

from ihp_backend.labels import LabelSet

HELD_OUT, LEARNED = "held-out", "learned"
INDEX = "index.json"

READING = 4
"""Of the rules by which annotations become label maps; after a change all are made again from what is kept."""

LEAST_HELD_OUT, MOST_HELD_OUT, NEEDED = 0.2, 0.5, 12
"""Shares of the photographs that are held out, and how many it takes to tell better from worse."""


def held_out_share(digests: Collection[str]) -> float:
    """The share to hold out: of few photographs more, or else nothing could be said of what was learned from them.

    Where the most may be held out that is enough for ``NEEDED``, it is just enough: what a share makes of a handful of
    photographs is a matter of chance.
    """
    numbers = sorted({_number(digest) for digest in digests})
    wanted = math.nextafter(numbers[NEEDED - 1], 1) if len(numbers) >= NEEDED else MOST_HELD_OUT
    return min(max(wanted, LEAST_HELD_OUT), MOST_HELD_OUT)


def split_of(digest: str, share: float) -> str:
    """``HELD_OUT`` or ``LEARNED``, by the sum of a photograph's file: it stays out until the share falls below it."""
    return HELD_OUT if _number(digest) < share else LEARNED


def _number(digest: str) -> float:
    """A number from 0 to 1 for a photograph, from its digest."""
    return int(digest[:8], 16) / 2**32


@dataclass(frozen=True)
class Item:
    """A photograph of the set.

    Attributes:
        task: its task's id.
        stamp: of what it was made from; another stamp, another label map.
        photograph: sum of its file.
        split: ``HELD_OUT`` or ``LEARNED``.
        map: file of its label map.
        annotations: ids.
        seconds: that the annotators took, None where it is not known.
        clicks: prompts that stood when the work was submitted, None where that was not seen.
        model_version: of the suggestion that it began with.
        untouched: share of the drawn pixels that are as they were suggested.
        notes: regions that could not be used, and why.
        address: of the photograph, as its task has it.
        shares: of the photograph that each label has which is drawn on it, by name.
    """

    task: int
    stamp: str
    photograph: str
    split: str
    map: str
    annotations: tuple[int, ...]
    seconds: float | None
    clicks: int | None
    model_version: str | None
    untouched: float
    notes: tuple[str, ...]
    address: str = ""
    shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Index:
    """Index of an accepted set: its photographs, and why tasks are left out.

    Attributes:
        labels: of the label maps.
        items: task by task.
        left_out: task -> why nothing can be learned from it.
        held_out_share: of the photographs; never grows, so that what was learned from is never held out.
        reading: ``READING`` as it was when the label maps were made.
    """

    labels: LabelSet
    items: tuple[Item, ...] = ()
    left_out: dict[int, str] = field(default_factory=dict)
    held_out_share: float = LEAST_HELD_OUT
    reading: int = READING

    def to_json(self) -> dict[str, Any]:
        """The JSON object for the file."""
        items = [asdict(item) for item in self.items]
        described = {"labels": self.labels.to_dict(), "items": items, "left_out": self.left_out}
        return {**described, "held_out_share": self.held_out_share, "reading": self.reading}

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> Index:
        """The inverse; raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        items = [
            Item(**{**item, "annotations": tuple(item["annotations"]), "notes": tuple(item["notes"])})
            for item in described["items"]
        ]
        left_out = {int(task): str(reason) for task, reason in described["left_out"].items()}
        share = float(described.get("held_out_share", LEAST_HELD_OUT))
        reading = int(described.get("reading", 1))
        return cls(LabelSet.from_dict(described["labels"]), tuple(items), left_out, share, reading)
