"""Timings: how long the stages of a request took, for its log line and its ``Server-Timing`` header."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any


class Timings:
    """Milliseconds by stage; a stage that comes several times, or in several threads, is summed.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times what is done inside it, also when that fails."""
        began = self._clock()
        try:
            yield
        finally:
            taken = self._clock() - began
            with self._lock:
                self._seconds[name] = self._seconds.get(name, 0.0) + taken

    @contextmanager
    def waiting(self, turn: AbstractContextManager[Any]) -> Iterator[None]:
        """Is in ``turn``; the time until it is is the stage ``waiting``."""
        with ExitStack() as entered:
            with self.stage("waiting"):
                entered.enter_context(turn)
            yield

    def milliseconds(self) -> dict[str, float]:
        """Milliseconds by stage in the order of their first end, and ``total`` since the timings were made."""
        with self._lock:
            seconds = {**self._seconds, "total": self._clock() - self._began}
        return {name: value * 1000 for name, value in seconds.items()}

    def header(self) -> str:
        """The value of a ``Server-Timing`` header (W3C Server Timing)."""
        return ", ".join(f"{name};dur={value:.1f}" for name, value in self.milliseconds().items())

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:.0f}" for name, value in self.milliseconds().items()) + " ms"
