"""The serving image's own commands, carried out in a folder: installed, started, asked, stopped."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from examples.demo import processes
from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS
from tests.contract.installation import COAT, FACE
from tests.contract.regions import HOPPER, click, decoded
from tests.storage.test_owner_only import open_to_others
from tests.test_base_install import modules_of_training

from .images import beginning
from .rehearsal import Rehearsal, Who, python_and_user


class Container:
    """What stands for a container: processes that see the image's folder and variables, under its user if they may."""

    def __init__(self, image: Rehearsal, who: Who, port: int) -> None:
        begins = image.beginning()
        self.command, self.health, self.volume = begins.command, begins.health, Path(begins.volume)
        self.user = who.get("user", os.getuid())
        self._who = who
        # Only this machine is listened to, whatever the image says.
        there = {"HOME": begins.volume, "IHP_HOST": processes.LOOPBACK, "IHP_PORT": str(port)}
        self.environment: Mapping[str, str] = {**begins.environment, **there}
        self.url = f"http://{processes.LOOPBACK}:{port}"
        if who:
            os.chown(self.volume, who["user"], who["group"])

    def start(self, command: Sequence[str], **more: Any) -> subprocess.Popen[str]:
        """Starts a command in it."""
        return subprocess.Popen(command, env=dict(self.environment), cwd=self.volume, text=True, **self._who, **more)

    def status(self, command: Sequence[str]) -> int:
        """The exit status of a command in it."""
        return self.start(command, stderr=subprocess.DEVNULL).wait(120)


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    # pytest's own temporary folders are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="ihp-serving-image-"))
    try:
        folder.chmod(0o755)
        python, who = python_and_user(int(beginning("serving").user.split(":")[0]))
        image = Rehearsal(folder, "serving", python)
        image.build()
        yield Container(image, who, processes.free_port())
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def server(container: Container) -> Iterator[subprocess.Popen[str]]:
    assert container.status([container.command[0], "credentials"]) == 0
    log = container.volume.parent / "server.log"
    with log.open("w") as file:
        process = container.start(container.command, stdout=file, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 300
        while not processes.is_healthy(f"{container.url}/health"):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield process
    finally:
        process.kill()
        process.wait()


def test_nothing_of_training_is_installed(container: Container) -> None:
    for module in modules_of_training():
        assert container.status(["python", "-c", f"import {module}"]) == 1, module
    assert container.status(["python", "-c", "import flask, onnxruntime"]) == 0


@pytest.mark.usefixtures("server")
def test_it_is_healthy_and_answers_clicks(container: Container) -> None:
    assert container.status(container.health) == 0
    config = LABELLING_CONFIG.read_text()
    setup = {"project": "1.1", "schema": config, "hostname": "http://localhost:8080", "extra_params": {}}
    assert requests.post(f"{container.url}/setup", json=setup, timeout=60).status_code == 401
    credentials = json.loads((container.volume / "credentials.json").read_text())
    shown = ("label studio", credentials["label studio"]["secret"])
    labels = requests.post(f"{container.url}/setup", json=setup, auth=shown, timeout=60).json()["labels"]
    assert (labels["unmatched"], labels["without_brush"]) == ({}, [])
    photograph = base64.b64encode((PHOTOGRAPHS / "grace_hopper.jpg").read_bytes()).decode()
    body = {
        "tasks": [{"id": 1, "data": {"image": f"data:image/jpeg;base64,{photograph}"}}],
        "project": "1.1",
        "label_config": config,
        "params": {"context": {"result": [click(FACE), click(COAT)]}},
    }
    answer = requests.post(f"{container.url}/predict", json=body, auth=shown, timeout=300).json()
    masks = decoded(answer["results"][0]["result"])
    for label, x, y in (FACE, COAT):
        assert masks[label][int(y * HOPPER[1] / 100), int(x * HOPPER[0] / 100)]


def test_what_it_keeps_lies_in_the_volume_and_belongs_to_its_user(
    container: Container, server: subprocess.Popen[str]
) -> None:
    kept = list(container.volume.rglob("*"))
    assert container.volume / "events.sqlite" in kept
    assert {path.stat().st_uid for path in kept} == {container.user}
    assert open_to_others(container.volume) == set()
    assert Path(f"/proc/{server.pid}").stat().st_uid == container.user


def test_it_ends_when_told_to_and_is_then_not_healthy(container: Container, server: subprocess.Popen[str]) -> None:
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0
    assert container.status(container.health) == 1
