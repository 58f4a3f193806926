from __future__ import annotations

import threading

import pytest

from ihp_backend.parsing import turns
from ihp_backend.parsing.turns import Turn, watch_turns


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setattr(turns, "_tell_waiting", None)
    told: list[int] = []
    watch_turns(told.append)
    return told


def test_one_at_a_time_and_who_waits_is_told(told: list[int]) -> None:
    turn, inside, most, had = Turn(), 0, 0, []

    def take(number: int) -> None:
        nonlocal inside, most
        with turn:
            inside += 1
            most = max(most, inside)
            had.append(number)
            inside -= 1

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turn:
        for thread in threads:
            thread.start()
        while sum(told) < 5:
            threads[0].join(0.01)
        assert had == []
    for thread in threads:
        thread.join()
    assert sorted(had) == [0, 1, 2, 3, 4]
    assert (most, sum(told), told.count(1)) == (1, 0, 5)


def test_an_error_gives_the_turn_to_the_next(told: list[int]) -> None:
    turn = Turn()
    with pytest.raises(ValueError, match="inside"), turn:
        raise ValueError("inside")
    with turn:
        pass
    assert told == []
