"""Bootstrap over photographs (Efron 1979): is one model better than another, or were these photographs kind to it?

Both models annotated the same photographs. Other photographs of the same kind are imagined by drawing from these with
replacement, and how often the difference has the same sign says how sure it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ihp_backend.evaluation import Record
from ihp_backend.evaluation.confusion import mean_iou, mean_iou_of_shown_labels

Weights = NDArray[np.int64]
"""How often each photograph counts, (drawings, photographs)."""


def resample_photographs(count: int, drawings: int, seed: int) -> Weights:
    """Resampled photographs (with replacement), as counts: ``count`` of them in each drawing."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), drawings)


Measure = Callable[[Sequence[Record], Weights], NDArray[np.float64]]
"""Of the photographs that each drawing holds, (drawings,)."""

Both = tuple[Sequence[Record], Sequence[Record]]
"""The records of both models, photograph by photograph."""

ROUNDS = (0, 3, 5)
"""Corrections after which mIoU is compared."""

STANDARD = 85.0
"""Own mIoU of a photograph, in percent, to which clicks are counted."""


class Drawn(NamedTuple):
    """A measure of both models.

    Attributes:
        before, after: of the photographs as they are.
        better, worse: share of the drawings in which the second model is better, and in which it is worse by more than
            was allowed for.
    """

    before: float
    after: float
    better: float
    worse: float


def paired_bootstrap(
    of: Measure, both: Both, drawings: int, seed: int, *, larger_is_better: bool, allowed: float = 0.0
) -> Drawn:
    """Compares two models; a loss of the second of up to ``allowed`` does not count as worse."""
    count = len(both[0])
    drawn = resample_photographs(count, drawings, seed)
    # The first sample is the photographs as they are.
    weights = np.concatenate([np.ones((1, count), np.int64), drawn])
    old, new = (of(records, weights) for records in both)
    gained = (new - old)[1:] * (1 if larger_is_better else -1)
    return Drawn(float(old[0]), float(new[0]), float((gained > 0).mean()), float((gained < -allowed).mean()))


def corrections(records: Sequence[Record], weights: Weights) -> NDArray[np.float64]:
    """Mean corrections to ``STANDARD``, (drawings,); where it is never reached, one more than there were."""
    needed = []
    for record in records:
        reached = np.flatnonzero([mean_iou(confusion) >= STANDARD for confusion in record.confusions])
        needed.append(reached[0] if len(reached) else len(record.confusions))
    mean: NDArray[np.float64] = weights @ np.array(needed) / weights.sum(1)
    return mean


def mean_ious(records: Sequence[Record], weights: Weights) -> NDArray[np.float64]:
    """Mean over ``ROUNDS`` of the mIoU in percent of all photographs together and the labels in them, (drawings,)."""
    by_round = [mean_iou_of_shown_labels(np.tensordot(weights, _confusions(records, round_), 1)) for round_ in ROUNDS]
    mean: NDArray[np.float64] = np.mean(by_round, 0)
    return mean


def unclicked_mean_iou(records: Sequence[Record], weights: Weights) -> NDArray[np.float64]:
    """mIoU of the first answer alone, of records that begin without a click, in each drawing."""
    return mean_iou_of_shown_labels(np.tensordot(weights, _confusions(records, 0), 1))


def mean_iou_after(round_: int, records: Sequence[Record]) -> float:
    """mIoU in percent of all photographs together after so many corrections."""
    return float(mean_iou_of_shown_labels(_confusions(records, round_).sum(0)))


def _confusions(records: Sequence[Record], round_: int) -> NDArray[np.int64]:
    """Confusion matrices of the photographs after so many corrections, or the last: (photographs, labels, labels)."""
    return np.stack([record.confusions[min(round_, len(record.confusions) - 1)] for record in records]).astype(np.int64)
