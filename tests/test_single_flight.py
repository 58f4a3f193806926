from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from ihp_backend.single_flight import SingleFlight, StillUnderWay

PATIENCE = 10.0
JOINED = 7


def together(flight: SingleFlight[str, object], work: Callable[[], object]) -> list[Future[object]]:
    """One who works and those who join it; the work ends when all have joined."""
    begun, all_here = threading.Event(), threading.Barrier(JOINED + 1)

    def held() -> object:
        begun.set()
        all_here.wait(PATIENCE)
        return work()

    with ThreadPoolExecutor(JOINED + 1) as pool:
        calls = [pool.submit(flight.do, "a", held)]
        assert begun.wait(PATIENCE)
        joining = partial(all_here.wait, PATIENCE)
        calls += [
            pool.submit(flight.do, "a", lambda: pytest.fail("worked twice"), joining=joining) for _ in range(JOINED)
        ]
    return calls


def test_one_works_and_all_get_its_outcome() -> None:
    outcome = object()
    assert {id(call.result()) for call in together(SingleFlight(), lambda: outcome)} == {id(outcome)}


def test_an_error_reaches_all_who_wait_and_the_next_works_anew() -> None:
    flight = SingleFlight[str, object]()

    def fail() -> object:
        raise ValueError("no photograph")

    assert [str(call.exception()) for call in together(flight, fail)] == ["no photograph"] * (JOINED + 1)
    assert flight.do("a", lambda: "anew") == "anew"


def test_outcomes_are_not_kept() -> None:
    flight = SingleFlight[str, int]()
    assert [flight.do("a", lambda number=number: number) for number in range(3)] == [0, 1, 2]  # type: ignore[misc]


def test_different_keys_work_side_by_side() -> None:
    flight, both = SingleFlight[str, int](), threading.Barrier(2, timeout=PATIENCE)
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(lambda key: flight.do(key, both.wait), "ab")) == [0, 1]


def test_who_waits_goes_at_the_end_of_its_own_time() -> None:
    flight, begun, end = SingleFlight[str, str](), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert end.wait(PATIENCE)
        return "late"

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(flight.do, "a", work)
        assert begun.wait(PATIENCE)
        with pytest.raises(StillUnderWay):
            flight.do("a", lambda: "twice", seconds=0.0)
        end.set()
        assert working.result(PATIENCE) == "late"


def test_an_outcome_that_is_there_is_got_without_time_left() -> None:
    flight, begun, end = SingleFlight[str, str](), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert end.wait(PATIENCE)
        return "there"

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(flight.do, "a", work)
        assert begun.wait(PATIENCE)

        def end_it() -> None:
            end.set()
            working.result(PATIENCE)

        assert flight.do("a", lambda: "twice", seconds=0.0, joining=end_it) == "there"
