"""DoctorFindings: what ``ihp doctor`` would say of Label Studio and its projects, for the page of ``/status``."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

FRESH = 600.0
"""Seconds for which findings are shown before Label Studio is asked again."""

Finding = dict[str, Any]
"""A finding of the doctor, as ``ihp doctor --json`` tells it."""

Examine = Callable[[int], Iterable[Finding]]
"""The findings for the server on a port of this machine."""


@dataclass(frozen=True)
class Examined:
    """What was found, and when.

    Attributes:
        at: ISO 8601, in UTC; empty before the first examination has ended.
        findings: warnings and errors, by what they are about.
    """

    at: str
    findings: dict[str, list[Finding]]


class DoctorFindings:
    """Examines in the background, while somebody looks.

    It takes seconds, in which Label Studio and this server are asked, so nobody waits for it, and programs that read
    ``/status`` do not cause it.

    Args:
        examine: None where no Label Studio is known.
        clock: seconds, for tests.

    Concurrency: any number of threads may ask; one examination runs at a time.
    """

    def __init__(self, examine: Examine | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._examine, self._clock = examine, clock
        self._lock = threading.Lock()
        self._running = False
        self._due = 0.0
        self._last = Examined("", {})

    def look(self, port: int) -> Examined | None:
        """What was found last, and a new examination where that is old; None where there is nothing to examine.

        Args:
            port: on which this server listens.
        """
        if self._examine is None:
            return None
        with self._lock:
            begin = not self._running and self._clock() >= self._due
            self._running |= begin
            last = self._last
        if begin:
            run = partial(copy_context().run, self._run, self._examine, port)
            threading.Thread(target=run, name="doctor", daemon=True).start()
        return last

    def _run(self, examine: Examine, port: int) -> None:
        found: dict[str, list[Finding]] = {}
        try:
            for finding in examine(port):
                if finding["level"] != "ok":
                    found.setdefault(finding["place"], []).append(finding)
        except Exception as error:
            # Whatever it stumbles over, the page must go on, and say so.
            logger.exception("the doctor's examination ended with an error")
            what = f"it ended with {type(error).__name__}; the log has the details"
            stopped = {"check": "examination", "level": "error", "found": what, "remedy": "ihp doctor", "fix": None}
            found["Label Studio"] = [stopped]
        with self._lock:
            self._last = Examined(datetime.now(timezone.utc).isoformat(timespec="seconds"), found)
            self._due = self._clock() + FRESH
            self._running = False
