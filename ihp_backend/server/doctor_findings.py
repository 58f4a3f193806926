"""DoctorFindings: what ``ihp doctor`` would say of Label Studio and its projects, for the page of ``/status``."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ihp_backend.doctor.case import Case
from ihp_backend.doctor.examination import examine_servers
from ihp_backend.doctor.finding import Finding
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.server.server_settings import ServerSettings

logger = logging.getLogger(__name__)

FRESH = 600.0
"""Seconds for which findings are shown before Label Studio is asked again."""

Examine = Callable[[str], list[Finding]]


@dataclass(frozen=True)
class Examined:
    """What was found, and when.

    Attributes:
        at: ISO 8601, in UTC; empty before the first examination has ended.
        findings: warnings and errors as JSON objects, by what they are about.
    """

    at: str
    findings: dict[str, list[dict[str, Any]]]


class DoctorFindings:
    """Examines in the background, while somebody looks.

    It takes seconds, in which Label Studio and this server are asked, so nobody waits for it, and programs that read
    ``/status`` do not cause it.

    Args:
        examine: gives the findings for a backend that listens at an address; None where no Label Studio is known.
        clock: seconds, for tests.

    Concurrency: any number of threads may ask; one examination runs at a time.
    """

    def __init__(self, examine: Examine | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._examine, self._clock = examine, clock
        self._lock = threading.Lock()
        self._running = False
        self._due = 0.0
        self._last = Examined("", {})

    def look(self, address: str) -> Examined | None:
        """What was found last, and a new examination where that is old; None where there is nothing to examine.

        Args:
            address: of this server, as seen from this machine.
        """
        if self._examine is None:
            return None
        with self._lock:
            begin = not self._running and self._clock() >= self._due
            self._running |= begin
            last = self._last
        if begin:
            threading.Thread(target=self._run, args=(self._examine, address), name="doctor", daemon=True).start()
        return last

    def _run(self, examine: Examine, address: str) -> None:
        found: dict[str, list[dict[str, Any]]] = {}
        try:
            for finding in examine(address):
                if finding.level != "ok":
                    found.setdefault(finding.place, []).append(finding.to_json())
        except Exception as error:
            # Whatever it stumbles over, the page must go on, and say so.
            logger.exception("the doctor's examination ended with an error")
            remedy = "ihp doctor shows how far it comes"
            found["Label Studio"] = [Finding("examination", "error", f"it ended with {error!r}", remedy).to_json()]
        with self._lock:
            self._last = Examined(datetime.now(timezone.utc).isoformat(timespec="seconds"), found)
            self._due = self._clock() + FRESH
            self._running = False


def examiner(settings: ServerSettings) -> Examine | None:
    """Examines as ``ihp doctor`` does, without fetching photographs; None where the settings name no Label Studio."""
    if settings.images.label_studio_url is None:
        return None
    return lambda address: list(
        examine_servers(Case(settings, LabelStudio(settings.images, pauses=()), address), with_photographs=False)
    )
