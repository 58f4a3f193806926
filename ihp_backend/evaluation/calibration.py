"""Calibration of probabilities: reliability, expected calibration error, and the temperature that mends it.

Guo et al. 2017, "On Calibration of Modern Neural Networks": logits divided by one temperature, fitted on held-out data,
which changes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ihp_backend.clicks import correction_clicks
from ihp_backend.datasets import Sample
from ihp_backend.evaluation.annotator import Annotator
from ihp_backend.labels import IGNORE
from ihp_backend.parsing import Parser
from ihp_backend.parsing.geometry import working_sides

BINS = 15


@dataclass(frozen=True)
class Cells:
    """Cells of many photographs with the logits they got and what is true in their middles.

    Attributes:
        logits: float32 (cells, labels), -inf for labels that were not in question.
        truth: intp (cells,).
    """

    logits: NDArray[np.float32]
    truth: NDArray[np.intp]

    def probabilities(self, temperature: float) -> NDArray[np.float64]:
        """Probabilities of every label in every cell, float64 (cells, labels)."""
        powers = np.exp((self.logits - self.logits.max(1, keepdims=True)).astype(np.float64) / temperature)
        probabilities: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
        return probabilities

    @classmethod
    def joined(cls, parts: Sequence[Cells]) -> Cells:
        """The cells of several photographs together."""
        return cls(np.concatenate([part.logits for part in parts]), np.concatenate([part.truth for part in parts]))


@dataclass(frozen=True)
class Reliability:
    """Reliability: how often answers of some confidence are right.

    Attributes:
        confidence, accuracy: float64 (bins,), the means of a bin; NaN where it is empty.
        count: int64 (bins,), answers in the bin.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of confidence from accuracy over all answers, 0..1."""
        kept = self.count > 0
        distance = np.abs(self.confidence[kept] - self.accuracy[kept])
        return float((distance * self.count[kept]).sum() / max(self.count.sum(), 1))


def reliability(cells: Cells, temperature: float = 1.0) -> Reliability:
    """Over ``BINS`` bins of equal width."""
    probabilities = cells.probabilities(temperature)
    best = probabilities.argmax(1)
    confidence = probabilities[np.arange(len(best)), best]
    which = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    count = np.bincount(which, minlength=BINS)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(which, weights=confidence, minlength=BINS) / count
        right = np.bincount(which, weights=best == cells.truth, minlength=BINS) / count
    return Reliability(mean, right, count)


def fit_temperature(cells: Cells) -> float:
    """The temperature under which the truth is most likely."""

    def surprise(log_temperature: float) -> float:
        probabilities = cells.probabilities(float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(probabilities[np.arange(len(cells.truth)), cells.truth], 1e-12)).mean())

    found = minimize_scalar(surprise, bounds=(np.log(0.05), np.log(20.0)), method="bounded")
    return float(np.exp(found.x))


def sample_cells(
    parser: Parser, sample: Sample, annotator: Annotator, rng: np.random.Generator, count: int, corrections: int
) -> Cells:
    """Random cells of one photograph, after the initial clicks and again after corrections, given at once.

    Args:
        parser: what is to be calibrated.
        sample: the photograph with its true parsing in the parser's labels.
        annotator: how it clicks.
        rng: of the clicks and of the cells.
        count: cells at either time; fewer where there are fewer.
        corrections: clicks in answer to the first parsing.
    """
    scene, parsing = parser.open(sample.image), sample.parsing
    clicks = annotator.initial_clicks(parsing, rng, rng)
    parts = []
    for _ in range(2):
        answer = parser.answer(scene, clicks)
        rows, columns = (side // answer.stride for side in working_sides(scene.height, scene.width, scene.scale))
        y, x = np.divmod(rng.permutation(rows * columns)[:count], max(columns, 1))
        middle_y, middle_x = (
            np.minimum(((axis + 0.5) * answer.stride / scene.scale).astype(np.intp), side - 1)
            for axis, side in zip((y, x), parsing.shape, strict=True)
        )
        truth = parsing[middle_y, middle_x].astype(np.intp)
        logits = np.full((len(y), len(parser.labels)), -np.inf, np.float32)
        for row, label in enumerate(answer.labels):
            logits[:, label] = np.maximum(logits[:, label], answer.logits[row, y, x])
        known = truth != IGNORE
        parts.append(Cells(logits[known], truth[known]))
        label_map = parser.parse(scene, clicks).label_map
        clicks = [*clicks, *correction_clicks(parsing, label_map, rng, corrections)]
    return Cells.joined(parts)


def plot_reliability(path: Path, before: Reliability, after: Reliability) -> None:
    """Draws accuracy over confidence before and after calibration, beside the line on which both are the same."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.8, 4.4))
    axes.plot([0, 1], [0, 1], ":", color="0.5")
    for name, shown, marker in (("as trained", before, "s"), ("calibrated", after, "o")):
        label = f"{name}: error {100 * shown.error:.1f} %"
        axes.plot(shown.confidence, shown.accuracy, marker=marker, markersize=4, label=label)
    axes.set(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
