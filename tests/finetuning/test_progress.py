"""What is told of a fine-tuning job, also when its process is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ihp_backend.finetuning.progress import Progress

ROOT = Path(__file__).parents[2]
RUNNER = """
import sys, time
from pathlib import Path
from ihp_backend.finetuning.progress import Progress
with Progress(Path(sys.argv[1])).job("a test") as job:
    job.tell(stage="training", step=3, steps=10, loss=0.5)
    print("running", flush=True)
    while not job.stop_wanted:
        time.sleep(0.02)
    job.end("stopped", message="asked to")
"""


def start(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", RUNNER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    return process


def test_a_job_tells_how_far_it_is(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "2")
    assert progress.current() is None
    with progress.job("3 photographs") as job:
        assert job is not None
        job.tell(stage="training", step=5, steps=20, loss=0.25)
        shown = progress.current()
        assert shown is not None
        assert (shown.state, shown.stage, shown.step, shown.loss) == ("running", "training", 5, 0.25)
        assert shown.seconds_left(shown.started + 10) == pytest.approx(30)
        job.end("promoted", version="v1")
    last = progress.current()
    assert last is not None
    assert (last.state, last.version, last.seconds_left(0)) == ("promoted", "v1", None)
    assert progress.history() == [last]


def test_an_error_is_told_and_goes_on(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "2")
    with pytest.raises(ZeroDivisionError), progress.job("a test"):
        raise ZeroDivisionError("nothing left")
    shown = progress.current()
    assert shown is not None
    assert (shown.state, shown.message) == ("failed", "ZeroDivisionError: nothing left")


def test_one_at_a_time_and_stopped_by_asking(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "2")
    assert not progress.stop()
    process = start(tmp_path / "2")
    with progress.job("another") as second:
        assert second is None
    with Progress(tmp_path / "3").job("of another project") as other:
        assert other is not None
    assert progress.stop()
    assert process.wait(20) == 0
    shown = progress.current()
    assert shown is not None
    assert (shown.state, shown.reason, shown.step) == ("stopped", "a test", 3)
    assert not progress.stop()


def test_a_killed_job_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "2")
    process = start(tmp_path / "2")
    process.send_signal(signal.SIGKILL)
    process.wait()
    shown = progress.current()
    assert shown is not None
    assert shown.state == "interrupted"
    with progress.job("again") as job:
        assert job is not None
        job.end("rejected", message="not better")
    assert [report.state for report in progress.history()] == ["interrupted", "rejected"]
    assert progress.outcomes() == {"interrupted": 1, "rejected": 1}


def test_outcomes_are_counted_beyond_the_history(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    ended = [{"reason": "", "started": 0, "state": state} for state in ["failed"] * 150 + ["promoted"] * 50]
    (tmp_path / "history.json").write_text(json.dumps(ended))  # As a release wrote it that counted nothing.
    assert progress.outcomes() == {"failed": 150, "promoted": 50}
    for _ in range(2):
        with progress.job("another") as job:
            assert job is not None
            job.end("promoted")
    assert progress.outcomes() == {"failed": 150, "promoted": 52}
    assert len(progress.history()) == 200


def test_damaged_files_are_no_job(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    (tmp_path / "lesson.json").write_text('{"reason')
    (tmp_path / "history.json").write_text('[{"strange": 1}]')
    assert progress.current() is None
    assert progress.history() == []
    with progress.job("again") as job:
        assert job is not None
    assert len(progress.history()) == 1
