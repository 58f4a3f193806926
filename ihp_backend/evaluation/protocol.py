"""The interaction protocol: initial central clicks, then one correction per round, mIoU after each (IHP, IV-B)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, central_clicks, correction_click
from ihp_backend.datasets import ParsingDataset
from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou
from ihp_backend.parsing import Parser


@dataclass(frozen=True)
class Annotator:
    """How the simulated annotator clicks.

    Attributes:
        corrections: rounds after the initial clicks.
        minimum_area: components smaller than this many pixels get no initial click.
        candidates: random pixels of a region among which the most central one is clicked (the paper's N_c).
    """

    corrections: int = 20
    minimum_area: int = 60
    candidates: int = 5


@dataclass
class Curve:
    """What the rounds gave, summed over photographs; curves of disjoint photographs add up.

    Attributes:
        confusions: int64 (corrections + 1, num_labels, num_labels).
        initial_clicks: number of them in all photographs.
        obeyed: clicks whose pixel had their label right after them, out of ``clicks``.
        labels_present: labels in the true parsings, summed over photographs, the background included.
    """

    confusions: NDArray[np.int64]
    initial_clicks: int = 0
    clicks: int = 0
    obeyed: int = 0
    labels_present: int = 0
    photographs: list[str] = field(default_factory=list)

    def mean_ious(self) -> list[float]:
        """mIoU in percent after 0, 1, 2, ... corrections."""
        return [mean_iou(confusion) for confusion in self.confusions]

    def clicks_per_label(self) -> list[float]:
        """The paper's Avg.: clicks so far per label present in a photograph (the printed fraction is inverted)."""
        rounds = np.arange(len(self.confusions))
        return ((self.initial_clicks + rounds * len(self.photographs)) / self.labels_present).tolist()


def interaction_curve(
    parser: Parser, samples: ParsingDataset, indices: Sequence[int], annotator: Annotator, seed: int
) -> Iterator[Curve]:
    """Runs the protocol; yields the growing curve after every photograph.

    Args:
        parser: what is measured; speaks the label set of ``samples``.
        samples: photographs with their true parsings.
        indices: which of them.
        annotator: how it clicks.
        seed: the clicks of a photograph depend on the seed, its index and the answers alone.
    """
    num_labels = len(samples.labels)
    curve = Curve(np.zeros((annotator.corrections + 1, num_labels, num_labels), np.int64))
    for index in indices:
        sample = samples[index]
        rng = np.random.default_rng([seed, index])
        clicks = central_clicks(
            sample.parsing, rng, minimum_area=annotator.minimum_area, candidates=annotator.candidates
        )
        curve.initial_clicks += len(clicks)
        curve.labels_present += len(np.setdiff1d(np.unique(sample.parsing), [255]))
        scene = parser.open(sample.image)
        label_map = parser.parse(scene, clicks).label_map
        _count_obeyed(curve, clicks, label_map)
        for round_ in range(annotator.corrections + 1):
            curve.confusions[round_] += confusion_matrix(sample.parsing, label_map, num_labels)
            if round_ == annotator.corrections:
                break
            places = {(click.x, click.y) for click in clicks}
            click = correction_click(sample.parsing, label_map, rng, candidates=annotator.candidates, clicked=places)
            if click is not None:
                clicks.append(click)
                label_map = parser.parse(scene, clicks, previous=label_map).label_map
                _count_obeyed(curve, [click], label_map)
        curve.photographs.append(sample.id)
        yield curve


def _count_obeyed(curve: Curve, clicks: Sequence[Click], label_map: NDArray[np.uint8]) -> None:
    curve.clicks += len(clicks)
    curve.obeyed += sum(int(label_map[click.y, click.x]) == click.label for click in clicks)
