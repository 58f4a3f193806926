"""Plots of curves: several methods in one figure, each with the spread of its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

LINES = ("-", "--", "-.", ":")
MARKERS = "osD^vP*X"
# Okabe and Ito's colours, which most colour-blind people can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B3A800")

BESIDE = 7
"""A legend of more names than these stands beside the curves, since it would hide them."""


def plot_curves(
    path: Path,
    curves: Mapping[str, Sequence[Sequence[float]]],
    ylabel: str,
    title: str,
    *,
    xlabel: str = "corrections",
    positions: Mapping[str, Sequence[float]] | None = None,
) -> None:
    """Draws the mean over seeds of every method, in a band of one standard deviation to either side.

    Args:
        path: the PNG file to write.
        curves: per method, per seed, the values by round.
        ylabel, title, xlabel: what is written at the axes and above.
        positions: where a method's values lie along the horizontal axis; 0, 1, 2, ... for methods without.

    Raises:
        ValueError: a method without values, or whose seeds differ in length.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import MaxNLocator

    drawn = {name: _by_seed(name, seeds) for name, seeds in curves.items()}
    figure, axes = pyplot.subplots(figsize=(6.4, 4.4))
    for number, (name, values) in enumerate(drawn.items()):
        x = np.asarray((positions or {}).get(name, np.arange(values.shape[1])))
        colour = COLOURS[number % len(COLOURS)]
        style = LINES[number // len(COLOURS) % len(LINES)]
        mean = values.mean(0)
        marker, every = MARKERS[number % len(MARKERS)], max(len(x) // 10, 1)
        axes.plot(x, mean, style, color=colour, marker=marker, markersize=4, markevery=every, label=name)
        if len(values) > 1:
            spread = values.std(0, ddof=1)
            axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if not positions:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # There is no half a round.
    axes.grid(alpha=0.3)
    figure.tight_layout()
    if len(drawn) > BESIDE:
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))
    elif len(drawn) > 1:
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)


def _by_seed(name: str, seeds: Sequence[Sequence[float]]) -> np.ndarray:
    lengths = {len(values) for values in seeds}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"curves: {name!r} has values for {sorted(lengths)} rounds; give every seed the same number")
    return np.array(seeds, np.float64)
