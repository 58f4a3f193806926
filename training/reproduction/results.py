"""Results: what was measured of each method, read from the files that ``training.evaluate`` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from training.reproduction.methods import METHODS
from training.reproduction.scales import Scale
from training.reproduction.steps import Folders


class Results:
    """The figures of one scale.

    Args:
        folders: where they lie.
        scale: which seeds to look for.
    """

    def __init__(self, folders: Folders, scale: Scale) -> None:
        self.folders, self.scale = folders, scale

    def seeds(self, method: str, start: str | None = None) -> list[dict[str, Any]]:
        """The figures of every seed that was measured (``curve.json``); empty when none was.

        Args:
            method: its name.
            start: how the measurement began; None: as the method's usually do.
        """
        begun = start or METHODS[method].start
        files = [self.folders.measured(method, seed, begun) for seed in range(self.scale.seeds)]
        return [read(file) for file in files if file.exists()]

    def curves(self, method: str, measure: str = "mean_iou", start: str | None = None) -> list[list[float]]:
        """Per seed the values of a measure by round."""
        return [figures[measure][0] for figures in self.seeds(method, start)]

    def values(self, method: str, measure: str, start: str | None = None) -> list[float]:
        """Per seed a measure of an automatic parser, in percent."""
        return [figures[measure] for figures in self.seeds(method, start)]

    def at(self, method: str, round_: int, measure: str = "mean_iou", start: str | None = None) -> list[float]:
        """Per seed the value of a measure after ``round_`` corrections; nothing of seeds that were measured less far.

        What takes no corrections has one value, whatever the round.
        """
        curves = self.curves(method, measure, start)
        return [curve[min(round_, len(curve) - 1)] for curve in curves if len(curve) == 1 or round_ < len(curve)]

    def at_standard(self, method: str, standard: float) -> list[tuple[int, float] | None]:
        """Per seed the paper's Add. and Avg. at a standard of mIoU in percent; None where it is never reached."""
        reached: list[tuple[int, float] | None] = []
        for figures in self.seeds(method):
            rounds = np.flatnonzero(np.array(figures["mean_iou"][0]) >= standard)
            add = int(rounds[0]) if len(rounds) else None
            reached.append(None if add is None else (add, figures["clicks_per_label"][0][add]))
        return reached


@cache
def read(file: Path) -> dict[str, Any]:
    """The figures in a file."""
    figures: dict[str, Any] = json.loads(file.read_text())
    return figures


def spread_text(values: Sequence[float | None], digits: int = 2) -> str:
    """ "61.23 ± 0.45", without a spread for a single value; "-" for none. Those that are None are left out."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = f"{np.mean(known):.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ± {np.std(known, ddof=1):.{digits}f}"
