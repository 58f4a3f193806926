"""Rows of a benchmark, and how they are timed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Row:
    """One measured thing.

    Attributes:
        name: what was measured, unique in its module.
        milliseconds: median of the repeats.
        compared_to: name of the row this one is set against.
        ratio: how many times faster this row is than that one.
        note: what a reader has to know: sizes, counts, conditions.
    """

    name: str
    milliseconds: float
    compared_to: str | None = None
    ratio: float | None = None
    note: str = ""

    def against(self, other: Row) -> Row:
        """This row, compared with `other`."""
        return replace(self, compared_to=other.name, ratio=other.milliseconds / self.milliseconds)


def timed(name: str, function: Callable[[], object], *, repeats: int = 15, warm_up: int = 3, note: str = "") -> Row:
    """Median time of `function`, after `warm_up` calls that are not counted."""
    return timed_in_turn({name: function}, repeats=repeats, warm_up=warm_up, note=note)[0]


def timed_in_turn(
    functions: Mapping[str, Callable[[], object]], *, repeats: int = 15, warm_up: int = 3, note: str = ""
) -> list[Row]:
    """Median times of several functions, called in turn: what else the machine does meets them all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in range(warm_up + repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if turn >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return [Row(name, statistics.median(values) * 1000, note=note) for name, values in seconds.items()]
