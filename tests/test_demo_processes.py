"""Starting and stopping the demonstration's servers, with a small program in their place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from examples.demo import processes
from examples.demo.reset import reset

ROOT = Path(__file__).resolve().parents[1]


def eventually(condition: Callable[[], bool], patience: float = 5.0) -> bool:
    deadline = time.monotonic() + patience
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.fixture
def server(tmp_path: Path) -> processes.Server:
    # A leader with a child, as servers with workers have; the child must go, too.
    child = "child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True)"
    return processes.Server(
        name="sleeper",
        command=[sys.executable, "-c", f"import subprocess, time; {child}; time.sleep(60)"],
        environment=dict(os.environ),
        health_url="http://127.0.0.1:9/",
        log=tmp_path / ".demo" / "sleeper.log",
        record=tmp_path / ".demo" / "sleeper.process.json",
    )


def test_stopping_takes_the_whole_group(server: processes.Server) -> None:
    process = processes.start(server)
    assert processes.running(server.record) is not None
    while not (printed := server.log.read_text()).endswith("\n"):
        assert process.poll() is None
        time.sleep(0.05)
    assert processes.stop(server.record) == "sleeper"
    assert not server.record.exists()
    process.wait(timeout=10)
    assert eventually(lambda: processes.start_time(int(printed)) is None)


def test_a_process_that_only_has_the_same_number_is_left_alone(server: processes.Server) -> None:
    process = processes.start(server)
    try:
        record = json.loads(server.record.read_text())
        server.record.write_text(json.dumps({**record, "started": "another time"}))
        assert processes.stop(server.record) is None
        assert process.poll() is None
    finally:
        server.record.write_text(json.dumps(record))
        processes.stop(server.record)


def test_a_server_that_ends_is_reported_with_its_last_words(server: processes.Server) -> None:
    failing = replace(server, command=[sys.executable, "-c", "print('no model here'); raise SystemExit(3)"])
    process = processes.start(failing)
    with pytest.raises(processes.ServerError, match=r"(?s)sleeper ended with status 3.*no model here"):
        processes.wait_until_healthy(failing, process, timeout=30)


def test_reset_stops_and_then_removes(server: processes.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = server.record.parent
    process = processes.start(server)
    # As if the demonstration that started it had been killed.
    monkeypatch.setattr("examples.demo.reset.owner_is_alive", lambda known: False)
    assert reset(folder) == 0
    assert process.wait(timeout=10) != 0
    assert not folder.exists()
    assert reset(folder) == 0


def test_reset_leaves_a_living_demonstration_alone(server: processes.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    processes.start(server)
    monkeypatch.setattr("examples.demo.reset.owner_is_alive", lambda known: True)
    assert reset(server.record.parent) == 1
    assert processes.stop(server.record) == "sleeper"


def test_reset_works_without_any_environment(tmp_path: Path) -> None:
    # Only the standard library: -S leaves installed packages out.
    program = "from pathlib import Path; from examples.demo.reset import reset; reset(Path('nowhere'))"
    command = [sys.executable, "-S", "-c", program]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "Nothing to do" in result.stdout
