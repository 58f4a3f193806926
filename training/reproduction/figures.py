"""The paper's figures with our curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ihp_backend.evaluation import plot_curves
from training.reproduction.methods import (
    CENTRAL,
    FORGETFUL,
    FORMS,
    MARGINS,
    METHODS,
    NOTHING,
    PART_BY_PART,
    UNSEEN_LABELS,
    UNSWEPT,
    WEIGHTS,
    swept,
)
from training.reproduction.parser_tables import begun_with
from training.reproduction.results import Results
from training.reproduction.targets import OWN, PARSER_TARGETS, TARGETS


@dataclass(frozen=True)
class Figure:
    """A finished figure.

    Attributes:
        name: of its PNG file.
        title: what it shows.
        path: the file; None where nothing was measured yet.
    """

    name: str
    title: str
    path: Path | None


def figure3(results: Results, folder: Path) -> Figure:
    """Fig. 3: the largest number of extra clicks in training (EC-Num)."""
    methods = ("central", "random", "random-75", "near-edge", "near-edge-45")
    return _draw(results, folder, "fig3", "the number of extra clicks in training", methods)


def figure4(results: Results, folder: Path) -> Figure:
    """Fig. 4: the method beside the baselines."""
    methods = ("no-clicks", "nearest", "watershed", "ideeplab", "dextr", "central", "random-sp")
    named = {METHODS[method].title: (method, METHODS[method].start) for method in methods}
    named["iDeepLab V3+, part by part"] = ("ideeplab", PART_BY_PART)
    return _plot(results, folder, "fig4", "the method beside the baselines", named, by_effort=True)


def figure7(results: Results, folder: Path) -> Figure:
    """Fig. 7: starting from the photograph alone and from central clicks."""
    named = {
        f"{METHODS[method].title}, from {start}": (method, start)
        for method in ("central", "random", "random-sp")
        for start in (CENTRAL, NOTHING)
    }
    return _plot(results, folder, "fig7", "starting with central clicks and with none", named, by_effort=True)


def losses(results: Results, folder: Path) -> Figure:
    """Figure of the losses: not in the paper, but among its claims."""
    methods = ("random", "random-plain", "random-sp", "near-edge", "near-edge-sp")
    return _draw(results, folder, "losses", "balanced and plain cross-entropy, with and without SP-loss", methods)


def ablations(results: Results, folder: Path) -> Figure:
    """Figure of the ablations: how far networks without a part are ahead of the whole live network, by seed."""
    title = "points of mIoU ahead of the live network"
    whole = results.curves("live")
    without = {METHODS[method].title: (method, start) for method, (start, *_) in TARGETS["ablations"]}
    without = {shown: where for shown, where in without.items() if where[0].startswith("live-")}
    starts = {"unseen labels": UNSEEN_LABELS, FORGETFUL: FORGETFUL}
    without |= {f"live network, {shown}": ("live", start) for shown, start in starts.items()}
    curves = {}
    for shown, (method, start) in without.items():
        # All first seeds are measured before any second one.
        pairs = zip(results.curves(method, start=start), whole, strict=False)
        if ahead := [np.subtract(part, all_of_it).tolist() for part, all_of_it in pairs]:
            curves[shown] = ahead
    return _drawn(folder, "ablations", title, curves, "mIoU (points)")


def semantic_perceiving(results: Results, folder: Path) -> Figure:
    """Figure of the sweep over the SP-loss: mIoU after ten corrections by margin, for each form and weight."""
    title = "the SP-loss by form, margin and weight"
    settings = {
        f"{form}, weight {weight:g}": [swept(form, margin, weight) for margin in MARGINS]
        for form, weight in product(FORMS, WEIGHTS)
    }
    settings["no SP-loss"] = [UNSWEPT] * len(MARGINS)
    curves = {}
    for shown, methods in settings.items():
        # All first seeds are measured before any second one.
        if seeds := [list(seed) for seed in zip(*(results.at(method, 10) for method in methods), strict=False)]:
            curves[shown] = seeds
    where = {"xlabel": "margin", "positions": dict.fromkeys(curves, MARGINS)}
    return _drawn(folder, "semantic-perceiving", title, curves, "mIoU (%) after 10 corrections", **where)


def starts(results: Results, folder: Path) -> Figure:
    """Figure of the clicks that automatic parsers save: the packaged live network from their masks, its own, none."""
    named = {
        begun_with(method, start): (method, start) for method, from_ in PARSER_TARGETS["starts"] for start in from_
    }
    return _plot(results, folder, "starts", "what stands when the first click comes", named, by_effort=True)


def _draw(results: Results, folder: Path, name: str, title: str, methods: Sequence[str]) -> Figure:
    named = {METHODS[method].title: (method, METHODS[method].start) for method in methods}
    return _plot(results, folder, name, title, named, by_effort=False)


def _plot(
    results: Results,
    folder: Path,
    name: str,
    title: str,
    named: dict[str, tuple[str, str]],
    *,
    by_effort: bool,
) -> Figure:
    curves = {shown: results.curves(method, start=start) for shown, (method, start) in named.items()}
    curves = {shown: seeds for shown, seeds in curves.items() if seeds}
    where: dict[str, Any] = {}
    if by_effort:
        clicks = {shown: results.curves(named[shown][0], "clicks_per_label", named[shown][1])[0] for shown in curves}
        where = {"xlabel": "clicks per label", "positions": clicks}
    return _drawn(folder, name, title, curves, "mIoU (%)", **where)


def _drawn(
    folder: Path, name: str, title: str, curves: dict[str, list[list[float]]], measure: str, **where: Any
) -> Figure:
    """The figure of curves; without a file where there are none. ``where`` goes on to ``plot_curves``."""
    if not curves:
        return Figure(name, title, None)
    path = folder / f"{name}.png"
    plot_curves(path, curves, measure, title, **where)
    return Figure(name, title, path)


FIGURES: dict[str, Callable[[Results, Path], Figure]] = {
    "fig3": figure3,
    "fig4": figure4,
    "fig7": figure7,
    "losses": losses,
    "ablations": ablations,
    "semantic-perceiving": semantic_perceiving,
    "starts": starts,
    OWN: lambda results, folder: _draw(results, folder, OWN, "own methods", [name for name, _ in TARGETS[OWN]]),
}
"""Figures by name."""
