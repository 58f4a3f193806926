"""A lesson runs on what the server leaves over."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from ihp_backend.lessons import worker
from ihp_backend.lessons.giving_way import LOWEST, give_way, let_session_give_way
from ihp_backend.lessons.worker import hold_in_process

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
    give_way(process.pid)
    assert process.communicate("\n", timeout=60)[0].split() == [str(LOWEST), "True"]


def test_the_worker_has_its_lessons_give_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[int] = []
    monkeypatch.setattr(worker, "give_way", lowered.append)
    hold_in_process(["--data-dir", str(tmp_path)], Event())("1")
    assert len(lowered) == 1


def test_only_who_leads_a_session_lowers_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "autogroup"
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid() + 1)
    assert not let_session_give_way(file)
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid())
    assert let_session_give_way(file)
    assert file.read_text() == "19"
    assert not let_session_give_way(tmp_path / "none" / "autogroup")
