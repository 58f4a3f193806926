"""Turn: a lock that threads have one after the other; who answers a click goes before who opens a photograph.

An opening takes as long as several clicks. Where fifty annotators open their photographs at once, a click on one that
is open would wait for all of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

BEFORE: Final = 4
"""How many who came later may go before one who waits with ``later``."""


def _tell_nobody(change: int) -> None:
    pass


_tell_waiting: Callable[[int], object] = _tell_nobody


def watch_turns(tell: Callable[[int], object]) -> None:
    """Has ``tell`` called with 1 when a thread of this process begins to wait for any turn, with -1 when it ends."""
    global _tell_waiting
    _tell_waiting = tell


class Turn:
    """A lock that threads get in the order in which they came; to be used with ``with``.

    Args:
        places: how many have it at a time.
    """

    def __init__(self, places: int = 1) -> None:
        self._lock = threading.Lock()
        self._free = places
        self._waiting: deque[threading.Event] = deque()
        self._patient: deque[threading.Event] = deque()
        self._gone_before = 0

    def __enter__(self) -> None:
        self._enter(self._waiting)

    def __exit__(self, *_: object) -> None:
        self._leave()

    @contextmanager
    def later(self) -> Iterator[None]:
        """The lock, after those who want it without ``later``, but for one after every ``BEFORE`` of them."""
        self._enter(self._patient)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, queue: deque[threading.Event]) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            mine = threading.Event()
            queue.append(mine)
        tell = _tell_waiting
        tell(1)
        try:
            mine.wait()
        except BaseException:
            self._give_up(mine, queue)
            raise
        finally:
            tell(-1)

    def _give_up(self, mine: threading.Event, queue: deque[threading.Event]) -> None:
        """One who waits is interrupted; the lock that they may have got meanwhile goes to the next."""
        with self._lock:
            if mine in queue:
                queue.remove(mine)
                return
        self._leave()

    def _leave(self) -> None:
        """Gives the lock to the next; it is never free while somebody waits."""
        with self._lock:
            if self._patient and (not self._waiting or self._gone_before >= BEFORE):
                self._gone_before = 0
                self._patient.popleft().set()
            elif self._waiting:
                self._gone_before += bool(self._patient)
                self._waiting.popleft().set()
            else:
                self._free += 1
