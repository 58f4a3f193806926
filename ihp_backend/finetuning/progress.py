"""Progress: what a project's fine-tuning job is doing now, and how the earlier ones ended."""

from __future__ import annotations

import fcntl
import json
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
from ihp_backend.storage.atomic_files import write_json

State = Literal["running", "promoted", "rejected", "stopped", "failed", "interrupted"]

_LONGEST_HISTORY = 200


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
    """The fine-tuning jobs of one project, in its folder.

    Whether a fine-tuning job runs is told by a lock that ends with its process, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file, self._history, self._stop = folder / "lesson.json", folder / "history.json", folder / "stop"
        self._outcomes = folder / "outcomes.json"

    @contextmanager
    def job(self, reason: str) -> Iterator[Running | None]:
        """A fine-tuning job for the time of the block; None where one runs already."""
        with self.alone() as alone:
            if not alone:
                yield None
                return
            self._close_interrupted()
            self._stop.unlink(missing_ok=True)
            running = Running(self._file, self._stop, Report(reason, time.time(), process=os.getpid()))
            try:
                yield running
            except BaseException as error:
                if running.report.state == "running":
                    running.end("failed", message=f"{type(error).__name__}: {error}")
                raise
            finally:
                if running.report.state == "running":
                    running.end("failed", message="it ended without a result")
                self._remember(running.report)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """No fine-tuning job begins for the time of the block; False where one runs already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def clear(self) -> None:
        """Removes what a fine-tuning job needs only while it is under way; in its hands, or within ``alone``."""
        for left in (*self.folder.glob(CHECKPOINTS), self.folder / LOSSES):
            left.unlink(missing_ok=True)
        for name in ("candidate", "trunks"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def current(self) -> Report | None:
        """The fine-tuning job that runs, or the last one; "interrupted" if its process is gone."""
        report = _read(self._file)
        if report is not None and report.state == "running" and not self._is_running():
            return replace(report, state="interrupted", message="its process ended; it is begun again where it stopped")
        return report

    def history(self) -> list[Report]:
        """The fine-tuning jobs that ended, oldest first."""
        try:
            return [Report(**one) for one in json.loads(self._history.read_text())]
        except (OSError, ValueError, TypeError):
            return []

    def outcomes(self) -> dict[str, int]:
        """How many fine-tuning jobs ended in each state, with those that are no longer in the history."""
        try:
            return dict(json.loads(self._outcomes.read_text()))
        except (OSError, ValueError, TypeError):
            return dict(Counter(one.state for one in self.history()))

    def stop(self) -> bool:
        """Asks the fine-tuning job that runs to end; False if none does."""
        if not self._is_running():
            return False
        self._stop.touch()
        return True

    def _is_running(self) -> bool:
        try:
            with (self.folder / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def _close_interrupted(self) -> None:
        report = _read(self._file)
        if report is not None and report.state == "running":
            self._remember(replace(report, state="interrupted", message="its process ended"))

    def _remember(self, report: Report) -> None:
        outcomes = self.outcomes()
        write_json(self._outcomes, {**outcomes, report.state: outcomes.get(report.state, 0) + 1})
        kept = [*self.history(), report][-_LONGEST_HISTORY:]
        write_json(self._history, [asdict(one) for one in kept])


class Running:
    """A fine-tuning job in the hands of the process that runs it.

    Attributes:
        report: as it was written last.
    """

    def __init__(self, file: Path, stop: Path, report: Report) -> None:
        self._file, self._stop, self.report = file, stop, report
        self._since = time.time()
        self._write()

    @property
    def stop_wanted(self) -> bool:
        """Whether somebody asked the job to end."""
        return self._stop.exists()

    def tell(self, **changed: Any) -> None:
        """Says how far it is; see ``Report``."""
        if "stage" in changed or "state" in changed:
            now, stage = time.time(), self.report.stage
            seconds = {**self.report.seconds, stage: round(self.report.seconds.get(stage, 0.0) + now - self._since, 1)}
            self._since, changed = now, {**changed, "seconds": seconds}
        self.report = replace(self.report, **changed)
        self._write()

    def end(self, state: State, **changed: Any) -> None:
        """Says what became of it."""
        self.tell(state=state, ended=time.time(), **changed)

    def _write(self) -> None:
        write_json(self._file, asdict(self.report))


def _read(file: Path) -> Report | None:
    try:
        return Report(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
