"""Part curve: parts annotated one by one and merged into a parsing, its mIoU against the clicks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou
from ihp_backend.labels import IGNORE


@dataclass
class PartCurve:
    """Counts after each number of rounds, summed over photographs; curves of disjoint photographs add up.

    In a round every part of a photograph that is not yet right gets one click (iDeepLab's own protocol) or all of
    its extreme points (DEXTR, which has a single round).

    Attributes:
        confusions: int64 (rounds, num_labels, num_labels), rows true and columns predicted.
        clicks: int64 (rounds,), clicks made so far on all parts of all photographs.
        labels_present: labels in the true parsings, summed over photographs, the background included.
        photographs: their ids.
    """

    confusions: NDArray[np.int64]
    clicks: NDArray[np.int64]
    labels_present: int = 0
    photographs: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls, rounds: int, num_labels: int) -> PartCurve:
        """A curve without photographs."""
        return cls(np.zeros((rounds, num_labels, num_labels), np.int64), np.zeros(rounds, np.int64))

    def add(self, id: str, parsing: NDArray[np.uint8], answers: Iterable[tuple[NDArray[np.uint8], int]]) -> None:
        """Counts a photograph, given per round the label map and the number of clicks made so far."""
        for round_, (label_map, clicks) in enumerate(answers):
            self.confusions[round_] += confusion_matrix(parsing, label_map, self.confusions.shape[1])
            self.clicks[round_] += clicks
        self.labels_present += len(np.setdiff1d(parsing, [IGNORE]))
        self.photographs.append(id)

    def __add__(self, other: PartCurve) -> PartCurve:
        return PartCurve(
            self.confusions + other.confusions,
            self.clicks + other.clicks,
            self.labels_present + other.labels_present,
            self.photographs + other.photographs,
        )

    def mean_ious(self) -> list[float]:
        """mIoU in percent after each round."""
        return [mean_iou(confusion) for confusion in self.confusions]

    def clicks_per_label(self) -> list[float]:
        """The paper's Avg. after each round: all clicks on all parts, per label present in a photograph.

        The background counts as a label here as it does for the multi-class protocol, though it needs no click. With
        four extreme points for each of K - 1 parts this is 4 (K - 1) / K.
        """
        return (self.clicks / self.labels_present).tolist()


def parts_of(parsing: NDArray[np.uint8]) -> list[int]:
    """The labels of a parsing other than the background."""
    return np.setdiff1d(parsing, [0, IGNORE]).tolist()


def merge_parts(parts: Iterable[tuple[int, NDArray[np.float32]]], height: int, width: int) -> NDArray[np.uint8]:
    """The parsing made of parts that were found one by one.

    Each pixel gets the part of the highest probability, the first one of equals, and the background where no part has
    more than one half.

    Args:
        parts: pairs of a label and its logits, float32 (height, width).
        height, width: size of the parsing.

    Returns:
        uint8 (height, width).
    """
    label_map = np.zeros((height, width), np.uint8)
    # Logits and not probabilities, which in single precision are all 1 where a network is sure.
    best = np.zeros((height, width), np.float32)
    for label, logits in parts:
        wins = logits > best
        label_map[wins] = label
        best[wins] = logits[wins]
    return label_map
