"""Record: what one simulated annotation of one photograph gave; records add up to a curve."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Confusions = NDArray[np.int32]


@dataclass(frozen=True)
class Record:
    """One photograph under one simulated annotator. Round 0 answers the initial clicks, round n the nth correction.

    Attributes:
        confusions: int32 (rounds, num_labels, num_labels), rows true and columns predicted.
        near_edge: the same over the pixels near the edges between parts only.
        without_wrong_click: int32 (num_labels, num_labels), the answer after the injected wrong click was removed
            again; zero where none was injected.
        given: int64 (rounds,) as all below; clicks made in this round; none when nothing was left to correct.
        obeyed: those of them whose pixel had their label right after them.
        standing: clicks made so far.
        kept: those of them whose pixel has their label after this round.
        far: pixels far from this round's correction.
        changed_far: those of them that changed their label in answer to it.
        right: pixels that were right before this round's correction.
        damaged: those of them that it turned wrong.
        labels_present: int64 (), labels in the true parsing, the background included.
        clicks: int32 (number of clicks, 5): round, x, y, label, 1 or 0 for positive or negative.
    """

    confusions: Confusions
    near_edge: Confusions
    without_wrong_click: Confusions
    given: Counts
    obeyed: Counts
    standing: Counts
    kept: Counts
    far: Counts
    changed_far: Counts
    right: Counts
    damaged: Counts
    labels_present: Counts
    clicks: NDArray[np.int32]

    def to_bytes(self) -> bytes:
        """The record as a compressed NPZ file, some 5 kB."""
        file = io.BytesIO()
        np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """The inverse of ``to_bytes``."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})
