"""What a click of both models takes, on a machine that has something else to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest

from ihp_backend.datasets import Sample
from ihp_backend.finetuning import model_comparison as trial
from ihp_backend.finetuning.model_comparison import LEAST_TIMED, MOST_TIMED, WARM_UP, click_times
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parser

LABELS = LabelSet(("background", "hat"))
SAMPLE = Sample(np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.uint8), "one")


class Clock:
    """Stands still unless somebody parses."""

    seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


class Timed:
    """A parser whose clicks take so many milliseconds, one after the other."""

    labels = LABELS

    def __init__(self, clock: Clock, milliseconds: Iterator[float]) -> None:
        self.clock, self.milliseconds, self.made = clock, milliseconds, 0

    def with_labels(self, labels: LabelSet, known: object) -> Timed:
        return self

    def open(self, image: object) -> None: ...

    def parse(self, scene: object, clicks: object) -> None:
        self.made += 1
        self.clock.seconds += next(self.milliseconds) / 1000


def times(monkeypatch: pytest.MonkeyPatch, before: list[float], after: list[float]) -> tuple[float, float, int]:
    """The times found for clicks that take so long, the last one again and again, and how many were made."""
    clock = Clock()
    monkeypatch.setattr(trial, "time", clock)

    def going_on(several: list[float]) -> Iterator[float]:
        yield from several
        while True:
            yield several[-1]

    first, second = (Timed(clock, going_on(several)) for several in (before, after))
    found = click_times(cast(Parser, first), cast(Parser, second), SAMPLE, 1.1)
    return round(found[0], 6), round(found[1], 6), second.made - WARM_UP


def test_as_fast_as_the_other_needs_few_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times(monkeypatch, [50.0, 20.0, 12.0, 10.0], [60.0, 30.0, 10.5]) == (10.0, 10.5, LEAST_TIMED)


def test_slower_only_while_something_else_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed = [14.0] * (WARM_UP + LEAST_TIMED + 5)
    assert times(monkeypatch, [10.0], [*disturbed, 10.0]) == (10.0, 10.0, LEAST_TIMED + 6)


def test_one_click_left_alone_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [20.0] * (WARM_UP + 3) + [15.0] + [20.0] * MOST_TIMED
    assert times(monkeypatch, first, [21.0]) == (20.0, 21.0, LEAST_TIMED)


def test_slower_by_itself_stays_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    assert times(monkeypatch, [10.0], [12.0]) == (10.0, 12.0, MOST_TIMED)
