"""Jobs: what it takes to train one method with one seed and to measure it; run in order, or several side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from threading import Event, Lock

from rich.console import Console

from training.reproduction.runner import Timings, duration, run
from training.reproduction.steps import Step

Seconds = dict[str, float]
"""How long each step took, by its name."""


@dataclass(frozen=True)
class Job:
    """The steps of one method and seed; each needs the one before it."""

    method: str
    seed: int
    steps: tuple[Step, ...]

    def missing(self) -> list[Step]:
        """The steps whose product is not there."""
        return [step for step in self.steps if not step.product.exists()]


class Work:
    """Runs jobs and says what is done and how much is left.

    Args:
        jobs: in the order in which they begin.
        timings: learns from every step.
        parallel: jobs at a time. Small networks gain nothing from a second processor core per step, so two trainings
            on a core each finish sooner than one after the other on both.
        keep: called with each job when it begins, since who is killed amid its last step would leave figures of which
            nothing is known, and when it is done with the seconds of the steps that were run.
        console: where progress goes.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        timings: Timings,
        parallel: int,
        keep: Callable[[Job, Seconds], None],
        console: Console,
    ) -> None:
        self.jobs, self.timings, self.parallel, self.keep, self.console = jobs, timings, parallel, keep, console
        self.ahead = [step for job in jobs for step in job.missing()]
        self.total = len(self.ahead)
        self._lock, self._ended = Lock(), Event()

    def time_left(self) -> str:
        """An estimate, readable."""
        return duration(self.timings.estimate(self.ahead) / self.parallel)

    def run(self) -> None:
        """Runs all jobs.

        Raises:
            SystemExit: a step failed; the steps then running are finished and kept, no other is begun.
        """
        self.console.print(f"{self.total} steps to do, about {self.time_left()}")
        with ThreadPoolExecutor(self.parallel) as pool:
            running = [pool.submit(self._run, job) for job in self.jobs]
            try:
                for future in as_completed(running):
                    future.result()
            finally:
                self._ended.set()

    def _run(self, job: Job) -> None:
        if self._ended.is_set():
            return
        try:
            self._keep(job, {})
            seconds = {step.name: self._step(step) for step in job.missing() if not self._ended.is_set()}
        except BaseException:
            self._ended.set()  # Here and not in ``run``: this thread would have begun another job by then.
            raise
        if not job.missing():
            self._keep(job, seconds)

    def _keep(self, job: Job, seconds: Seconds) -> None:
        with self._lock:
            self.keep(job, seconds)

    def _step(self, step: Step) -> float:
        with self._lock:
            number = self.total - len(self.ahead) + 1
            self.console.rule(f"{number} of {self.total}: {step.name} (about {self.time_left()} left)")
            self.console.print(step.shown(), style="dim", soft_wrap=True)
            self.ahead.remove(step)
        return round(run(step, self.timings, self._threads()), 1)

    def _threads(self) -> int | None:
        return max((os.cpu_count() or 1) // self.parallel, 1) if self.parallel > 1 else None
