"""SingleFlight: of those who ask for the same thing at once, one does the work and all get its outcome.

Concurrency: a lock guards the table of what is under way and is never held during the work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Outcome = TypeVar("Outcome")


class StillUnderWay(Exception):
    """The work that a caller joined did not end within the caller's own time."""


class SingleFlight(Generic[Key, Outcome]):
    """Joins calls with equal keys while one of them works. Outcomes are not kept: who comes later works anew."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Key, Future[Outcome]] = {}

    def do(
        self,
        key: Key,
        work: Callable[[], Outcome],
        *,
        seconds: float | None = None,
        joining: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """The result of ``work``, run here or in the thread that already runs it for ``key``; it may also raise.

        Args:
            key: of what is wanted.
            work: makes it; must not ask for the same key.
            seconds: longest wait for the work of another; None for any.
            joining: called before waiting for another.

        Raises:
            StillUnderWay: after ``seconds``.
        """
        with self._lock:
            running = self._under_way.get(key)
            if running is None:
                mine = self._under_way[key] = Future()
        if running is not None:
            joining()
            if not wait([running], seconds).done:
                raise StillUnderWay
            return running.result()
        try:
            outcome = work()
        except BaseException as error:
            self._end(key)
            mine.set_exception(error)
            raise
        self._end(key)
        mine.set_result(outcome)
        return outcome

    def _end(self, key: Key) -> None:
        """Ends a flight before its outcome is told: a caller that asks again after it must not get the old outcome."""
        with self._lock:
            del self._under_way[key]
