"""Stages are summed, whoever passes through them, and told in the header's own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ihp_backend.label_studio.predict.timings import Timings


def test_stages_are_summed_and_the_total_is_told() -> None:
    ticks: Iterator[float] = iter([0.0, 1.0, 1.5, 2.0, 2.25, 3.0, 3.125, 4.0, 4.0])
    timings = Timings(lambda: next(ticks))
    for name in ("model", "masks", "model"):
        with timings.stage(name):
            pass
    assert timings.milliseconds() == {"model": 625.0, "masks": 250.0, "total": 4000.0}
    assert timings.header() == "model;dur=625.0, masks;dur=250.0, total;dur=4000.0"


def test_a_stage_that_fails_counts_too() -> None:
    timings = Timings()
    with pytest.raises(KeyError), timings.stage("photograph"):
        raise KeyError
    assert "photograph" in timings.milliseconds()


def test_threads_lose_nothing() -> None:
    timings = Timings(lambda: 0.0)

    def work(number: int) -> None:
        with timings.stage(str(number % 7)):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(700)))
    assert timings.milliseconds().keys() == {*map(str, range(7)), "total"}


def test_what_is_waited_for_a_turn_is_a_stage() -> None:
    ticks: Iterator[float] = iter([0.0, 1.0, 1.5, 4.0])
    timings, turn = Timings(lambda: next(ticks)), threading.Lock()
    with timings.waiting(turn):
        assert turn.locked()
    assert not turn.locked()
    assert timings.milliseconds() == {"waiting": 500.0, "total": 4000.0}
