"""Turn: the lock of a network, or of those who take turns at one; tells how many threads wait."""

from __future__ import annotations

import threading
from collections.abc import Callable


def _tell_nobody(change: int) -> None:
    pass


_tell_waiting: Callable[[int], object] = _tell_nobody


def watch_turns(tell: Callable[[int], object]) -> None:
    """Has ``tell`` called with 1 when a thread of this process begins to wait for any turn, with -1 when it ends."""
    global _tell_waiting
    _tell_waiting = tell


class Turn:
    """A lock that one thread at a time has; to be used with ``with``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if self._lock.acquire(blocking=False):
            return
        tell = _tell_waiting
        tell(1)
        try:
            self._lock.acquire()
        finally:
            tell(-1)

    def __exit__(self, *_: object) -> None:
        self._lock.release()
