"""What was measured as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from tests.benchmarks.editor.legs import LEGS, WANTED, TimedClick, split, stages, summary


def table(clicks: Sequence[TimedClick]) -> Table:
    """p50 and p95 of the whole and of its legs, first clicks and later ones apart."""
    parts = {"all": list(clicks), **split(clicks)}
    shown = Table(title=f"click to pixels, milliseconds, {len(clicks)} clicks", title_justify="left")
    shown.add_column("leg", no_wrap=True)
    for name in parts:
        shown.add_column(f"{name} p50", justify="right")
        shown.add_column("p95", justify="right")
    spreads = [summary(of_part) for of_part in parts.values()]
    inner = [stages(of_part) for of_part in parts.values()]
    for name in spreads[0]:
        shown.add_row(name, *(cell for spread in spreads for cell in _cells(spread[name])))
    shown.add_section()
    for name in inner[0]:
        shown.add_row(f"in it: {name}", *(cell for spread in inner for cell in _cells(spread.get(name, {}))))
    return shown


def verdicts(clicks: Sequence[TimedClick]) -> list[str]:
    """Whether the medians are as wanted, a line each."""
    found = summary(clicks)
    return [
        f"{name}: p50 {found[name]['p50']:.0f} ms, wanted {wanted:.0f} ms: "
        + ("reached" if found[name]["p50"] <= wanted else "missed")
        for name, wanted in WANTED.items()
    ]


def plot(clicks: Sequence[TimedClick], file: Path) -> None:
    """Every click as a bar of its legs, fastest first; and how many clicks are done within how long."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (bars, shares) = pyplot.subplots(1, 2, figsize=(10, 3.6), width_ratios=(2, 1))
    ordered = sorted(clicks, key=lambda click: click.total)
    bottom = np.zeros(len(ordered))
    for name in LEGS:
        heights = np.array([click.legs[name] for click in ordered])
        bars.bar(range(len(ordered)), heights, bottom=bottom, width=1.0, label=name.replace("_", " "))
        bottom += heights
    bars.axhline(WANTED["total"], color="black", linewidth=0.8, linestyle=":")
    bars.set(xlabel="clicks, fastest first", ylabel="milliseconds", xlim=(-0.5, len(ordered) - 0.5))
    bars.legend(fontsize=8)
    for name, of_part in split(clicks).items():
        if of_part:
            times = np.sort([click.total for click in of_part])
            shares.step(times, np.arange(1, len(times) + 1) / len(times) * 100, where="post", label=f"{name} clicks")
    shares.set(xlabel="milliseconds", ylabel="% of clicks done", xlim=(0, None), ylim=(0, 101))
    shares.grid(alpha=0.3)
    shares.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _cells(spread: Mapping[str, float]) -> list[str]:
    return [f"{spread[name]:.1f}" if name in spread else "" for name in ("p50", "p95")]
