"""Jobs of a reproduction: what runs when, side by side and after a failure."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from training.reproduction.jobs import Job, Seconds, Work
from training.reproduction.runner import Timings, ended_together
from training.reproduction.steps import EXPORT, TRAIN, Step


def write(product: Path, code: str = "'done'") -> Step:
    """A command that writes the value of an expression to its product."""
    code = f"import os, pathlib, time; pathlib.Path({str(product)!r}).write_text(str({code}))"
    return Step(product.name, TRAIN, ("-c", code), product)


def work(jobs: list[Job], folder: Path, parallel: int) -> tuple[Work, dict[str, Seconds]]:
    kept: dict[str, Seconds] = {}

    def keep(job: Job, seconds: Seconds) -> None:
        kept[job.method] = seconds

    return Work(jobs, Timings(folder / "timings.json"), parallel, keep, Console(quiet=True)), kept


@pytest.mark.parametrize("parallel", [1, 2])
def test_every_step_runs_once_and_in_order(tmp_path: Path, parallel: int) -> None:
    jobs = []
    for name in ("one", "two", "three"):
        first, second = tmp_path / f"{name}-first", tmp_path / f"{name}-second"
        # The second step fails unless the first is done.
        jobs.append(Job(name, 0, (write(first), write(second, f"open({str(first)!r}).read()"))))
    (tmp_path / "two-first").write_text("made before")
    started, kept = work(jobs, tmp_path, parallel)
    assert started.total == 5
    started.run()
    assert (tmp_path / "two-second").read_text() == "made before"
    assert {name: list(seconds) for name, seconds in kept.items()} == {
        "one": ["one-first", "one-second"],
        "two": ["two-second"],
        "three": ["three-first", "three-second"],
    }


def test_jobs_side_by_side_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    # Each waits for the other: one after the other they would never end.
    products = tmp_path / "left", tmp_path / "right"
    jobs = []
    for mine, other in (products, products[::-1]):
        seen = f"pathlib.Path({str(mine) + '.here'!r}).touch()"
        met = f"next(1 for _ in iter(lambda: time.sleep(.01), 1) if os.path.exists({str(other) + '.here'!r}))"
        jobs.append(Job(mine.name, 0, (write(mine, f"({seen}, {met}, os.environ['OMP_NUM_THREADS'])[-1]"),)))
    work(jobs, tmp_path, 2)[0].run()
    assert [product.read_text() for product in products] == ["4", "4"]


def test_after_a_failure_nothing_else_begins(tmp_path: Path) -> None:
    jobs = [
        Job("bad", 0, (Step("bad", EXPORT, ("-c", "import sys; sys.exit(3)"), tmp_path / "never"),)),
        Job("later", 0, (write(tmp_path / "later"),)),
    ]
    started, kept = work(jobs, tmp_path, 1)
    with pytest.raises(SystemExit, match=r"'bad' failed with status 3"):
        started.run()
    assert not (tmp_path / "later").exists()
    assert kept == {"bad": {}}


def test_whoever_ends_it_ends_its_command_too(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    seconds = f"(pathlib.Path({str(begun)!r}).write_text(str(os.getpid())), time.sleep(600))"
    started, _ = work([Job("long", 0, (write(tmp_path / "never", seconds),))], tmp_path, 1)

    def end() -> None:
        deadline = time.monotonic() + 60
        while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=end).start()
    with pytest.raises(SystemExit, match="ended by signal 15"), ended_together():
        started.run()
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
