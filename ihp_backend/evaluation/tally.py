"""Tally: counts, round by round, what a parser makes of one photograph's clicks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.evaluation.confusion import confusion_matrix
from ihp_backend.evaluation.near_edge import near_edge
from ihp_backend.evaluation.record import Record
from ihp_backend.labels import IGNORE

LabelMap = NDArray[np.uint8]

FAR = 50
"""Pixels from a correction beyond which an annotator expects the parsing to stay as it is."""

COUNTS = ("given", "obeyed", "standing", "kept", "far", "changed_far", "right", "damaged")


class Tally:
    """Takes the answers to a photograph's rounds in their order and makes its record.

    A correction changes few pixels as a rule, so only those are counted anew.

    Args:
        parsing: uint8 (height, width), the truth, 255 = ignore.
        num_labels: size of the label set.
        clicks: the initial clicks.
        label_map: uint8 (height, width), the answer to them.
    """

    def __init__(self, parsing: LabelMap, num_labels: int, clicks: Sequence[Click], label_map: LabelMap) -> None:
        self._parsing, self._num_labels = parsing, num_labels
        self._band = near_edge(parsing)
        self._clicks: list[tuple[int, Click]] = []
        self._label_map = label_map
        self._without = np.zeros((num_labels, num_labels), np.int64)
        self._confusions = [confusion_matrix(parsing, label_map, num_labels)]
        self._near_edge = [confusion_matrix(parsing[self._band], label_map[self._band], num_labels)]
        self._counts: list[dict[str, int]] = []
        self._count(clicks, label_map)

    def answer(self, click: Click, label_map: LabelMap) -> None:
        """Counts the answer to a round's correction."""
        if label_map.shape != self._parsing.shape:
            raise ValueError(f"predicted: {label_map.shape} and true parsing {self._parsing.shape} differ in size")
        changed = np.nonzero(label_map != self._label_map)
        rows, columns = changed
        true, before, after = self._parsing[changed], self._label_map[changed], label_map[changed]
        difference = self._difference(true, before, after)
        in_band = self._band[changed]
        band_difference = self._difference(true[in_band], before[in_band], after[in_band])
        down, across = np.arange(len(label_map)) - click.y, np.arange(label_map.shape[1]) - click.x
        self._count(
            [click],
            label_map,
            far=int(((down**2)[:, None] + across**2 > FAR**2).sum()),
            changed_far=int((down[rows] ** 2 + across[columns] ** 2 > FAR**2).sum()),
            right=int(self._confusions[-1].trace()),
            damaged=int((true == before).sum()),
        )
        self._confusions.append(self._confusions[-1] + difference)
        self._near_edge.append(self._near_edge[-1] + band_difference)
        self._label_map = label_map

    def nothing_to_correct(self) -> None:
        """Counts a round without a click, after which everything stays as it was."""
        self._count([], self._label_map)
        self._confusions.append(self._confusions[-1])
        self._near_edge.append(self._near_edge[-1])

    def wrong_click_removed(self, label_map: LabelMap) -> None:
        """Counts the answer after the wrong click was taken back; no round of its own."""
        self._without = confusion_matrix(self._parsing, label_map, self._num_labels)

    def record(self) -> Record:
        """Record of the counts."""
        counts = {name: np.array([counted.get(name, 0) for counted in self._counts], np.int64) for name in COUNTS}
        rows = [(round_, click.x, click.y, click.label, click.positive) for round_, click in self._clicks]
        return Record(
            confusions=np.array(self._confusions, np.int32),
            near_edge=np.array(self._near_edge, np.int32),
            without_wrong_click=self._without.astype(np.int32),
            labels_present=np.array(
                np.count_nonzero(np.bincount(self._parsing.ravel(), minlength=IGNORE + 1)[:IGNORE])
            ),
            clicks=np.array(rows, np.int32).reshape(-1, 5),
            **counts,
        )

    def _count(self, clicks: Sequence[Click], label_map: LabelMap, **counted: int) -> None:
        self._clicks += [(len(self._counts), click) for click in clicks]
        standing = [click for _, click in self._clicks]
        counted |= {"given": len(clicks), "obeyed": _followed(clicks, label_map)}
        counted |= {"standing": len(standing), "kept": _followed(standing, label_map)}
        self._counts.append(counted)

    def _difference(self, true: LabelMap, before: LabelMap, after: LabelMap) -> NDArray[np.int64]:
        return confusion_matrix(true, after, self._num_labels) - confusion_matrix(true, before, self._num_labels)


def _followed(clicks: Sequence[Click], label_map: LabelMap) -> int:
    """Clicks whose pixel has their label, or, for negative ones, does not have it."""
    return sum((int(label_map[click.y, click.x]) == click.label) == click.positive for click in clicks)
