"""Runs steps one after the other, says what is left, and can be interrupted at any time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import FrameType

from training.reproduction.steps import EXPORT, MEASURE, TRAIN, Step

SECONDS_PER_UNIT = {TRAIN: 0.6, EXPORT: 30.0, MEASURE: 1.0}
"""First guesses, from two processor cores: per training step, per export, per measured photograph."""


class Timings:
    """Seconds per unit of work, by kind of step; learns from every finished step and keeps it in a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = Lock()
        self.seconds: dict[str, float] = dict(SECONDS_PER_UNIT)
        if file.exists():
            self.seconds.update(json.loads(file.read_text()))

    def estimate(self, steps: Sequence[Step]) -> float:
        """Seconds that the steps will take."""
        return sum(self.seconds[step.kind] * step.work for step in steps)

    def learn(self, step: Step, seconds: float) -> None:
        """Takes the newest figure: later steps are like the last one."""
        with self._lock:
            self.seconds[step.kind] = seconds / step.work
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self.seconds, indent=1) + "\n")


_running: set[subprocess.Popen[bytes]] = set()


@contextmanager
def ended_together() -> Iterator[None]:
    """Inside, a SIGTERM ends the commands that run, too: the same call would begin them a second time beside."""

    def end(number: int, frame: FrameType | None) -> None:
        for process in tuple(_running):
            process.kill()
        raise SystemExit(f"reproduce: ended by signal {number}; the same command goes on")

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run(step: Step, timings: Timings, threads: int | None = None) -> float:
    """Runs one command and gives its seconds.

    Args:
        step: what to run.
        timings: learns from it.
        threads: that the command's libraries compute with; None for their own choice.

    Raises:
        SystemExit: the command failed, or left no product; what was done stays, and the same call goes on there.
    """
    began = time.monotonic()
    environment = os.environ | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    with subprocess.Popen(step.full_command(), env=environment) as process:
        _running.add(process)
        status = process.wait()
        _running.discard(process)
    if status != 0 or not step.product.exists():
        raise SystemExit(f"reproduce: {step.name!r} failed with status {status}; run it alone: {step.shown()}")
    seconds = time.monotonic() - began
    timings.learn(step, seconds)
    return seconds


def duration(seconds: float) -> str:
    """Hours and minutes, readable."""
    minutes = max(round(seconds / 60), 1)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
