"""Plots by label: the confusion matrix, and bars of each label's measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.evaluation.plots import COLOURS, MARKERS

SHOWN = 0.01
"""Shares of a confusion matrix below this have no number written on them."""


def plot_confusion(path: Path, confusion: NDArray[np.integer], names: Sequence[str], title: str) -> None:
    """Draws what each label's true pixels were taken for, in percent of them.

    Args:
        path: the PNG file to write.
        confusion: int64 (num_labels, num_labels), rows true and columns predicted; a label that does not occur has an
            empty row.
        names: of the labels.
        title: what is written above.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side = 2.5 + 0.32 * len(names)
    figure, axes = pyplot.subplots(figsize=(side, side))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(shares >= SHOWN).tolist():
        share = shares[row, column]
        colour = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="parsed as", ylabel="true label", title=f"{title}\n% of each true label's pixels")
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def plot_labels(
    path: Path,
    bars: Sequence[float],
    points: Mapping[str, Sequence[float]],
    names: Sequence[str],
    measure: str,
    title: str,
) -> None:
    """Draws a bar for each label, with its number, and points beside it.

    Args:
        path: the PNG file to write.
        bars: one value per label in percent; NaN draws none.
        points: name of a measure -> its values, drawn as the bars' are.
        names: of the labels, the first one on top.
        measure: what the bars show.
        title: what is written above.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 1.4 + 0.26 * len(names)))
    rows = np.arange(len(names))
    axes.barh(rows, bars, color=COLOURS[5], label=measure)
    for row, value in enumerate(bars):
        if not np.isnan(value):
            axes.text(101.5, row, f"{value:.1f}", va="center", fontsize=8)
    for number, (name, values) in enumerate(points.items()):
        axes.plot(values, rows, MARKERS[number], color=COLOURS[number], markersize=4, label=name)
    axes.set_yticks(rows, names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 100), xlabel="%", title=title)
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.08, 1))
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
