"""Admission: so many requests wait for the model, and no more; the others are asked to come again.

A click that is answered a minute later helps nobody, and those behind it wait even longer. Clicks and pre-annotations
have places of their own, so that neither takes those of the other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ihp_backend.label_studio.problems import Problem, problem

CLICKS: Final = "clicks"
BATCHES: Final = "pre-annotations"

RETRY_SECONDS: Final = {CLICKS: 2, BATCHES: 15}
"""When to come again: what a queue of each kind moves on in about that time is worth a try."""


class Busy(Exception):
    """A request that cannot be answered now.

    Attributes:
        problem: why, and what to do.
        retry_seconds: after which it is worth another try.
    """

    def __init__(self, kind: str, problem: Problem) -> None:
        super().__init__(problem.remedy)
        self.problem, self.retry_seconds = problem, RETRY_SECONDS[kind]


class Admission:
    """Counts the requests of each kind that are being answered; any number of threads.

    Args:
        threads: of this process; a third of them may be busy with each kind, so that some are left for all others.
    """

    def __init__(self, threads: int) -> None:
        self._places = max(threads // 3, 1)
        self._lock = threading.Lock()
        self._taken = {CLICKS: 0, BATCHES: 0}

    @contextmanager
    def place(self, kind: str) -> Iterator[None]:
        """A place for the time of the block.

        Raises:
            Busy: all of the kind are taken.
        """
        with self._lock:
            if self._taken[kind] >= self._places:
                raise Busy(
                    kind,
                    problem(
                        kind,
                        f"{self._places} wait already",
                        f"ask again in {RETRY_SECONDS[kind]} seconds; nothing is lost, the next click brings the "
                        "others along. If it happens often, the machine is too small (docs/load.md)",
                    ),
                )
            self._taken[kind] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[kind] -= 1


def too_late(seconds: int) -> Busy:
    """The error of a click that waited so long that its answer would come too late."""
    remedy = (
        f"click again in {RETRY_SECONDS[CLICKS]} seconds; the photograph was slow to come, or too many click at once"
    )
    return Busy(CLICKS, problem(CLICKS, f"not answered within IHP_CLICK_SECONDS = {seconds}", remedy))
