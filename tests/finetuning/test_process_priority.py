"""A fine-tuning job runs on what the server leaves over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from ihp_backend.finetuning import worker
from ihp_backend.finetuning.process_priority import LOWEST, lower_process, lower_session
from ihp_backend.finetuning.worker import run_in_process

THREAD = """
import os, sys
from threading import Thread
sys.stdin.readline()
thread = Thread(target=lambda: print(os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0) == os.SCHED_IDLE))
thread.start()
thread.join()
"""


def test_a_process_gives_way_with_all_its_threads() -> None:
    command = [sys.executable, "-c", THREAD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lower_process(process.pid)
    assert process.communicate("\n", timeout=60)[0].split() == [str(LOWEST), "True"]


def test_the_worker_lowers_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[int] = []
    monkeypatch.setattr(worker, "lower_process", lowered.append)
    run_in_process(["--data-dir", str(tmp_path)], Event())("1")
    assert len(lowered) == 1


def test_only_who_leads_a_session_lowers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "autogroup"
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid() + 1)
    assert not lower_session(file)
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid())
    assert lower_session(file)
    assert file.read_text() == "19"
    assert not lower_session(tmp_path / "none" / "autogroup")
