from __future__ import annotations

import threading

import pytest

from ihp_backend.parsing import turns
from ihp_backend.parsing.turns import BEFORE, Turn, watch_turns


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


@pytest.mark.parametrize("places", [2, 3])
def test_as_many_at_a_time_as_there_are_places(told: list[int], places: int) -> None:
    turn, all_in, most, inside = Turn(places), threading.Barrier(places, timeout=30), 0, 0
    count = threading.Lock()

    def take() -> None:
        nonlocal inside, most
        with turn:
            with count:
                inside += 1
                most = max(most, inside)
            all_in.wait()  # Fewer at a time would never get on.
            with count:
                inside -= 1

    threads = [threading.Thread(target=take) for _ in range(places * 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == places
    assert sum(told) == 0


def test_an_error_gives_the_turn_to_the_next(told: list[int]) -> None:
    turn = Turn()
    with pytest.raises(ValueError, match="inside"), turn:
        raise ValueError("inside")
    with turn:
        pass
    assert told == []


def in_turn(turn: Turn, told: list[int], kinds: str) -> str:
    """The order in which threads get the turn that came in the order of ``kinds``: c at once, o later."""
    had: list[str] = []

    def take(kind: str) -> None:
        with turn if kind == "c" else turn.later():
            had.append(kind)

    threads = [threading.Thread(target=take, args=(kind,)) for kind in kinds]
    with turn:
        for number, thread in enumerate(threads, start=1):
            thread.start()
            while sum(told) < number:
                thread.join(0.001)
    for thread in threads:
        thread.join()
    return "".join(had)


def test_a_click_goes_before_those_who_open(told: list[int]) -> None:
    turn = Turn()
    assert in_turn(turn, told, "oooc") == "cooo"
    assert in_turn(turn, told, "ccc") == "ccc"
    assert in_turn(turn, told, "ooo") == "ooo"


def test_clicks_do_not_keep_others_from_opening(told: list[int]) -> None:
    assert BEFORE == 4
    assert in_turn(Turn(), told, "oo" + "c" * 10) == "cccco" + "cccco" + "cc"


def test_who_is_interrupted_while_waiting_holds_up_nobody(told: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    turn = Turn()

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            raise KeyboardInterrupt

    with turn:
        monkeypatch.setattr(turns.threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt), turn.later():
            pass
        monkeypatch.undo()
    assert in_turn(turn, [], "") == ""
    with turn:
        pass
