"""Progress: what a project's fine-tuning job is doing now, and how the earlier ones ended."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ihp_backend.model_registry.versions import CHECKPOINTS, LOSSES
from ihp_backend.storage.atomic_files import as_json
from ihp_backend.storage.documents import Claim, Documents, FolderDocuments
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

State = Literal["running", "promoted", "rejected", "stopped", "failed", "interrupted"]

PAUSE = 1.0
"""Seconds between two words on the steps of a job whose documents are in a database."""

PATIENCE = 300.0
"""Seconds for which the end of a job is told again and again where the database is away."""

_LONGEST_HISTORY = 200
_REPORT, _HISTORY, _OUTCOMES, _STOP = "lesson.json", "history.json", "outcomes.json", "stop"
TOLD = (_REPORT, _HISTORY, _OUTCOMES)
"""The documents that tell of jobs that run or ended."""

_TAKEN = "fine-tuning job: another worker has taken it up, since this one was not heard of; that one goes on"


@dataclass(frozen=True)
class Report:
    """Progress and outcome of one fine-tuning job.

    Attributes:
        reason: why it was due.
        started: Unix seconds.
        state: "running" until it ends; "interrupted" if its process ended without a word.
        stage: what it is doing, or did last.
        step, steps: of the training.
        loss: of the last steps.
        ended: Unix seconds, None while it runs.
        version: that came of it.
        message: what the gate said, or what went wrong and what helps.
        process: that runs it.
        seconds: that it took, stage by stage.
    """

    reason: str
    started: float
    state: State = "running"
    stage: str = "starting"
    step: int = 0
    steps: int = 0
    loss: float | None = None
    ended: float | None = None
    version: str | None = None
    message: str = ""
    process: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def seconds_left(self, now: float) -> float | None:
        """Seconds left of the training at its present pace; None while that cannot be said."""
        if self.state != "running" or self.step < 1:
            return None
        return (now - self.started) / self.step * (self.steps - self.step)


class Progress:
    """The fine-tuning jobs of one project.

    Whether a fine-tuning job runs is told by a claim that ends with its process, however that ends.

    Args:
        folder: of the job on this machine.
        documents: what is told of the jobs; by default files in that folder.
    """

    def __init__(self, folder: Path, documents: Documents | None = None) -> None:
        self.folder, self._documents = folder, documents or FolderDocuments(folder)

    @contextmanager
    def job(self, reason: str) -> Iterator[Running | None]:
        """A fine-tuning job for the time of the block; None where one runs already."""
        with self._documents.claim() as claim:
            if claim is None:
                yield None
                return
            self._close_interrupted()
            self._documents.remove(_STOP)
            self.folder.mkdir(parents=True, exist_ok=True)
            running = Running(self._documents, claim, Report(reason, time.time(), process=os.getpid()))
            try:
                yield running
            except BaseException as error:
                if running.report.state == "running":
                    running.end("failed", message=f"{type(error).__name__}: {error}")
                raise
            finally:
                if running.report.state == "running":
                    running.end("failed", message="it ended without a result")
                if not claim.lost:
                    self._remember(running.report)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """No fine-tuning job begins for the time of the block; False where one runs already."""
        with self._documents.claim() as claim:
            yield claim is not None

    def clear(self) -> None:
        """Removes what a fine-tuning job needs only while it is under way; in its hands, or within ``alone``."""
        for left in self._left():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def clear_elsewhere_ended(self) -> None:
        """Removes what is left here of a job that was given back and came to its end on another machine."""
        report = self.current()
        if report is not None and report.state in ("promoted", "rejected") and self._left():
            with self.alone() as alone:
                if alone:
                    self.clear()

    def _left(self) -> list[Path]:
        named = (self.folder / name for name in (LOSSES, "candidate", "trunks"))
        return [*self.folder.glob(CHECKPOINTS), *(path for path in named if path.exists())]

    def current(self) -> Report | None:
        """The fine-tuning job that runs, or the last one; "interrupted" if its process is gone."""
        report = _read(self._documents)
        if report is not None and report.state == "running" and not self._documents.claimed():
            return replace(report, state="interrupted", message="its process ended; it is begun again where it stopped")
        return report

    def history(self) -> list[Report]:
        """The fine-tuning jobs that ended, oldest first."""
        try:
            return [Report(**one) for one in json.loads(self._documents.read(_HISTORY) or "[]")]
        except (OSError, ValueError, TypeError):
            return []

    def outcomes(self) -> dict[str, int]:
        """How many fine-tuning jobs ended in each state, with those that are no longer in the history."""
        try:
            return dict(json.loads(self._documents.read(_OUTCOMES) or ""))
        except (OSError, ValueError, TypeError):
            return dict(Counter(one.state for one in self.history()))

    def stop(self) -> bool:
        """Asks the fine-tuning job that runs to end; False if none does."""
        if not self._documents.claimed():
            return False
        self._documents.write(_STOP, "")
        return True

    def _close_interrupted(self) -> None:
        report = _read(self._documents)
        if report is not None and report.state == "running":
            self._remember(replace(report, state="interrupted", message="its process ended"))

    def _remember(self, report: Report) -> None:
        outcomes = self.outcomes()
        self._documents.write(_OUTCOMES, as_json({**outcomes, report.state: outcomes.get(report.state, 0) + 1}))
        kept = [*self.history(), report][-_LONGEST_HISTORY:]
        self._documents.write(_HISTORY, as_json([asdict(one) for one in kept]))


class Running:
    """A fine-tuning job in the hands of the process that runs it.

    Where documents are far away, steps are told and asked about once in ``PAUSE`` seconds, and what cannot be told of a
    step is not waited for.

    Attributes:
        report: as it was told last.
    """

    def __init__(self, documents: Documents, claim: Claim, report: Report) -> None:
        self._documents, self._claim, self.report = documents, claim, report
        self._pause = 0.0 if isinstance(documents, FolderDocuments) else PAUSE
        self._since = time.time()
        self._told, self._asked, self._stop = float("-inf"), float("-inf"), False
        self._write()

    @property
    def stop_wanted(self) -> bool:
        """Whether somebody asked the job to end."""
        if not self._stop and time.monotonic() - self._asked >= self._pause:
            self._asked = time.monotonic()
            try:
                self._stop = self._documents.stamp(_STOP) is not None
            except StorageError as error:
                logger.warning("whether the job is to be stopped is not known: %s", error)
        return self._stop

    def tell(self, **changed: Any) -> None:
        """Says how far it is; see ``Report``.

        Raises:
            StorageError: another worker has taken the job up, since this one was not heard of.
        """
        if self._claim.lost:
            raise StorageError(_TAKEN)
        if "stage" in changed:
            self._count_seconds()
        self.report = replace(self.report, **changed)
        if "stage" in changed or time.monotonic() - self._told >= self._pause:
            try:
                self._write()
            except StorageError as error:
                logger.warning("how far the job is cannot be told: %s", error)

    def end(self, state: State, **changed: Any) -> None:
        """Says what became of it, if it is still this process's to say; waits for a database that is away.

        Raises:
            StorageError: it could not be told for ``PATIENCE`` seconds.
        """
        until = time.monotonic() + PATIENCE
        self._count_seconds()
        self.report = replace(self.report, state=state, ended=time.time(), **changed)
        while not self._claim.lost:
            try:
                self._write()
                return
            except StorageError as error:
                if time.monotonic() > until:
                    raise
                logger.warning("what became of the job is told again in %.0f s: %s", PAUSE, error)
                time.sleep(PAUSE)

    def confirm(self) -> None:
        """Makes sure, before a result is kept, that the job is still this process's.

        Raises:
            StorageError: another worker has taken it up, or that cannot be told.
        """
        if not self._claim.confirm():
            raise StorageError(_TAKEN)

    def _count_seconds(self) -> None:
        """Those that the present stage has taken."""
        now, stage = time.time(), self.report.stage
        seconds = {**self.report.seconds, stage: round(self.report.seconds.get(stage, 0.0) + now - self._since, 1)}
        self._since, self.report = now, replace(self.report, seconds=seconds)

    def _write(self) -> None:
        self._told = time.monotonic()
        self._documents.write(_REPORT, as_json(asdict(self.report)))


def _read(documents: Documents) -> Report | None:
    try:
        return Report(**json.loads(documents.read(_REPORT) or ""))
    except (OSError, ValueError, TypeError):
        return None
