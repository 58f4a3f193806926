"""Journal: what the server did and what went wrong lately, for ``/status``."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime, timezone
from typing import Any

from cachetools import LRUCache

from ihp_backend.label_studio.problems import Problem

_ERRORS_KEPT = 20
_PROJECTS_KEPT = 100


class Journal:
    """Counters and the last errors; safe to use from any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._predictions = 0
        self._answers: LRUCache[str, dict[str, int]] = LRUCache(_PROJECTS_KEPT)
        self._errors: deque[dict[str, Any]] = deque(maxlen=_ERRORS_KEPT)
        self._labels: LRUCache[str, dict[str, Any]] = LRUCache(_PROJECTS_KEPT)

    def count_predictions(self, project: str, number: int, *, clicked: bool) -> None:
        """Count answered tasks of a project, with and without clicks: where none ever comes, something is amiss."""
        with self._lock:
            self._predictions += number
            counts = self._answers.setdefault(project, {"with_clicks": 0, "without_clicks": 0})
            counts["with_clicks" if clicked else "without_clicks"] += number

    def note_labels(self, project: str, labels: dict[str, Any]) -> None:
        """Remember which of the model's labels become which of a project's, as ``Translation.told`` says it."""
        with self._lock:
            self._labels[project] = labels

    def note(self, problem: Problem) -> None:
        """Remember an error; one that was already noted counts up instead of pushing the others out."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._lock:
            for entry in self._errors:
                if problem.to_json().items() <= entry.items():
                    self._errors.remove(entry)
                    self._errors.append({**entry, "time": now, "times": entry["times"] + 1})
                    return
            self._errors.append({"time": now, "times": 1, **problem.to_json()})

    def to_json(self) -> dict[str, Any]:
        """``uptime_seconds``, ``predictions_answered``, ``answers``, ``label_mappings``, ``errors`` (newest last)."""
        with self._lock:
            return {
                "uptime_seconds": round(time.monotonic() - self._started, 1),
                "predictions_answered": self._predictions,
                "answers": {project: dict(counts) for project, counts in self._answers.items()},
                "label_mappings": dict(self._labels),
                "errors": list(self._errors),
            }
