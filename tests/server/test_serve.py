"""The real server in a process of its own."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from .stand_in import capture

PROGRAM = """
import json, sys
from pathlib import Path
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.serve import serve
from ihp_backend.server.server_settings import ServerSettings, SettingsError
from tests.server.stand_in import StandInParser

def load(*_, **__):
    if sys.argv[2] == "fail":
        raise ValueError("model: it is damaged")
    return StandInParser()

Parser.from_pretrained = load
given = json.loads(sys.argv[3])
given |= {name: Path(given[name]) for name in ("certificate", "key") if name in given}
settings = ServerSettings(port=0, data_dir=Path(sys.argv[1]), **given)
try:
    serve(settings, look=lambda: [(30, "Label Studio, token: none")])
except SettingsError as error:
    sys.exit(f"SettingsError: {error}")
"""
ROOT = Path(__file__).parents[2]


def start(folder: Path, how: str, **settings: object) -> subprocess.Popen[str]:
    """The server with a stand-in for the model, and further settings."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder / "data"), how, json.dumps(settings)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
    )


def test_serving(tmp_path: Path) -> None:
    process = start(tmp_path, "work")
    try:
        assert process.stderr is not None
        log = []
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"listening on (http://\S+),", line):
                break
        assert found is not None
        address = found[1]
        # What there is to say of Label Studio comes first, and what listens answers.
        assert [line for line in log[:-1] if "WARNING" in line and "Label Studio, token: none" in line]
        for _ in range(200):
            try:
                assert requests.get(f"{address}/health", timeout=5).json()["status"] == "UP"
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        answer = requests.post(f"{address}/webhook", json=capture("40")["request"], timeout=10)
        assert answer.status_code == 201
        assert requests.get(f"{address}/status", timeout=5).json()["events_recorded"] == 1
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_several_processes_count_together_and_log_in_one_form(tmp_path: Path) -> None:
    """Also what a process counted that was killed since."""
    process = start(tmp_path, "work", workers=2, log_format="json")
    try:
        assert process.stderr is not None
        log: list[dict[str, Any]] = []
        while sum(line["message"].startswith("listening on http") for line in log) < 2:
            log.append(json.loads(process.stderr.readline()))
        address = re.findall(r"http://[\d.:]+", log[-1]["message"])[0]

        def counted() -> list[float]:
            answer = requests.get(f"{address}/metrics", timeout=10).text
            samples = [sample for family in text_string_to_metric_families(answer) for sample in family.samples]
            name, route = "ihp_request_seconds_count", "/versions"
            return [one.value for one in samples if (one.name, one.labels.get("route")) == (name, route)]

        ids = [f"request-{number}" for number in range(40)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: requests.get(f"{address}/versions", headers={"X-Request-ID": one}), ids))
        assert [counted() for _ in range(6)] == [[40]] * 6
        for line in log:
            if killed := re.fullmatch(r"Booting worker with pid: (\d+)", line["message"]):
                os.kill(int(killed[1]), signal.SIGKILL)
        while sum(line["message"].startswith("listening on http") for line in log) < 4:
            log.append(json.loads(process.stderr.readline()))
        assert [counted() for _ in range(6)] == [[40]] * 6
        answered = [line["request_id"] for line in log if line.get("route") == "/versions"]
        assert sorted(answered) == sorted(ids)
        assert len({line["logger"] for line in log} & {"gunicorn.error", "ihp_backend.server.serve"}) == 2
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_model_that_cannot_be_loaded_stops_the_server_with_its_reason(tmp_path: Path) -> None:
    process = start(tmp_path, "fail")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "the server cannot start: model: it is damaged" in log
    assert log.splitlines()[-1] == "SettingsError: model: it is damaged"
    assert "Traceback" not in log


def test_ihp_serve_names_a_missing_model_and_an_unreachable_label_studio(tmp_path: Path) -> None:
    ihp = [sys.executable, "-m", "ihp_backend.cli", "serve", "--port", "0", "--no-fine-tuning"]
    environment = {**os.environ, "IHP_DATA_DIR": str(tmp_path / "data"), "LABEL_STUDIO_URL": "http://127.0.0.1:9"}
    ended = subprocess.run([*ihp, "--model", "nowhere"], capture_output=True, text=True, timeout=60, env=environment)
    assert ended.returncode == 1
    assert "nowhere" in ended.stderr
    process = subprocess.Popen(ihp, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stderr is not None
        log = ""
        for line in process.stderr:
            log += line
            if "listening on" in line:
                break
        assert "WARNING ihp_backend.server.serve: Label Studio, address: http://127.0.0.1:9" in log
        assert "listening on http://127.0.0.1:" in log
    finally:
        process.terminate()
        process.wait(30)


def test_a_data_folder_that_cannot_be_written_to_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    process = start(tmp_path, "work")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "IHP_DATA_DIR" in log


FREE_MEMORY = """
import time
from pathlib import Path
from ihp_backend.server import serve

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

serve._GIVE_BACK_SECONDS = 1.0
pieces = [b"x" * 60_000 for _ in range(3000)]  # In one place, however large it grows.
lasting = pieces[::50]
del pieces
before = resident()
serve.share_free_memory()
time.sleep(1.5)
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps memory that is free in such places")
def test_free_memory_between_what_lasts_goes_back_to_the_system() -> None:
    run = subprocess.run([sys.executable, "-c", FREE_MEMORY], capture_output=True, text=True, check=True)
    assert int(run.stdout) > 100e6
