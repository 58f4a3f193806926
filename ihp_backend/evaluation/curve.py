"""Curve: the records of one simulated annotator over many photographs, added up, and the figures made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ihp_backend.evaluation.confusion import mean_f1, mean_iou, mean_iou_of_all_labels
from ihp_backend.evaluation.record import Record
from ihp_backend.evaluation.tally import COUNTS

SUMS = ("confusions", "near_edge", "without_wrong_click", "labels_present", *COUNTS)


@dataclass(frozen=True)
class NumberOfClicks:
    """Number of clicks (NoC) until a photograph's own mIoU reaches a threshold, over photographs.

    Attributes:
        clicks: mean number, the initial clicks included; a photograph that failed counts with all its rounds.
        corrections: the same without the initial clicks.
        failures: photographs that never reached it; reaching it with the very last correction is no failure.
    """

    clicks: float
    corrections: float
    failures: int


@dataclass
class Curve:
    """Counts of all rounds, added up over the photographs under one seed.

    Attributes:
        seed: of the simulated annotator.
        photographs: names of the photographs.
        sums: of the records' fields over photographs, int64, by field name; see ``Record``.
        photograph_ious: per photograph its own mIoU in percent by round, over labels that it has or was given.
        photograph_clicks: per photograph the number of clicks so far by round.
    """

    seed: int
    photographs: list[str] = field(default_factory=list)
    sums: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    photograph_ious: list[list[float]] = field(default_factory=list)
    photograph_clicks: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, photograph: str, record: Record) -> None:
        """Adds a photograph."""
        for name in SUMS:
            self.sums[name] = self.sums.get(name, 0) + getattr(record, name).astype(np.int64)
        self.photographs.append(photograph)
        self.photograph_ious.append([mean_iou(confusion) for confusion in record.confusions])
        self.photograph_clicks.append(record.standing)

    def mean_ious(self) -> list[float]:
        """mIoU in percent after 0, 1, 2, ... corrections, over labels that occur or were predicted anywhere."""
        return [mean_iou(confusion) for confusion in self.sums["confusions"]]

    def mean_ious_of_all_labels(self) -> list[float]:
        """mIoU in percent by round over the whole label set, where a label that never occurs counts as 0."""
        return [mean_iou_of_all_labels(confusion) for confusion in self.sums["confusions"]]

    def near_edge_ious(self) -> list[float]:
        """mIoU in percent of the pixels near the edges between parts, by round (IHP, Table II)."""
        return [mean_iou(confusion) for confusion in self.sums["near_edge"]]

    def near_edge_f1s(self) -> list[float]:
        """Mean F1 in percent of the pixels near the edges between parts, by round (IHP, Table II)."""
        return [mean_f1(confusion) for confusion in self.sums["near_edge"]]

    def clicks_per_label(self) -> list[float]:
        """The paper's Avg. by round: clicks so far per label present in a photograph, the background included.

        The printed fraction is inverted: with it Table III could not be.
        """
        return (self.sums["standing"] / self.sums["labels_present"]).tolist()

    def additional_clicks(self, standard: float) -> int | None:
        """The paper's Add.: the first number of corrections at which mIoU reaches ``standard`` percent, or None."""
        reached = np.flatnonzero(np.array(self.mean_ious()) >= standard)
        return int(reached[0]) if len(reached) else None

    def number_of_clicks(self, threshold: float) -> NumberOfClicks:
        """NoC: clicks until a photograph's own mIoU is ``threshold`` percent or more, and failures."""
        reached = np.array(self.photograph_ious) >= threshold
        done = reached.any(1)
        last = reached.shape[1] - 1
        corrections = np.where(done, reached.argmax(1), last)
        initial = np.array(self.photograph_clicks)[:, 0]
        return NumberOfClicks(
            clicks=float((initial + corrections).mean()),
            corrections=float(corrections.mean()),
            failures=int((~done).sum()),
        )

    def share(self, part: str, whole: str) -> float:
        """The share of one count in another over all rounds, for example "obeyed" of "given"; NaN without any."""
        count, of = self.sums[part].sum(), self.sums[whole].sum()
        return float(count / of) if of else float("nan")

    def shares(self, part: str, whole: str) -> list[float]:
        """Shares of one count in another by round, as of ``share``."""
        count, of = self.sums[part], self.sums[whole]
        return np.divide(count, of, out=np.full(len(of), np.nan), where=of > 0).tolist()
