"""What the contract tests have in their hands: a running installation, and projects in it."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from examples.demo import backend, label_studio, processes
from examples.demo import project as demo_project
from examples.demo.client import LabelStudioUser
from examples.demo.label_studio import Account
from examples.demo.settings import LABELLING_CONFIG
from ihp_backend.label_studio.api.client import Record

# Where parts are on grace_hopper.jpg (512x600), in percent of width and height.
FACE = ("face", 51.5, 37.5)
COAT = ("coat", 20.0, 80.0)

ROOT = Path(__file__).resolve().parents[2]
LABEL_STUDIO_ENVIRONMENT = ROOT / ".venv-label-studio"
IHP = Path(sys.executable).parent / "ihp"
PATIENCE = 300
"""Seconds that a server may take to start."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Installation:
    """A running Label Studio and a running backend."""

    client: LabelStudioUser
    account: Account
    backend_url: str
    folder: Path
    backend: processes.Server | None = None

    def restart_backend(self) -> None:
        """Stop the backend and start it again, with the same data."""
        assert self.backend is not None, "this backend was started by others"
        processes.stop(self.backend.record)
        processes.wait_until_healthy(self.backend, processes.start(self.backend), timeout=PATIENCE)

    def status(self) -> Record:
        """The backend's /status."""
        answer = requests.get(f"{self.backend_url}/status", timeout=10)
        answer.raise_for_status()
        return dict(answer.json())


@dataclass(frozen=True)
class Project:
    """A project with its backend connected; ``tasks`` are in the order of the photographs."""

    id: int
    backend: int
    tasks: list[Record]
    client: LabelStudioUser

    def click(self, clicks: Sequence[Record], task: int | None = None) -> list[Record]:
        """The regions that come back for clicks on a task (the first one by default)."""
        answer = self.client.predict_interactively(self.backend, task or self.tasks[0]["id"], clicks)
        return list(answer["result"])


@contextmanager
def up(*servers: processes.Server, patience: float = PATIENCE) -> Iterator[None]:
    """Started side by side, healthy inside the block, stopped after it."""
    try:
        started = [(server, processes.start(server)) for server in servers]
        for server, process in started:
            processes.wait_until_healthy(server, process, timeout=patience)
        yield
    finally:
        for server in servers:
            processes.stop(server.record)


@contextmanager
def running(folder: Path, options: Sequence[str] = ()) -> Iterator[Installation]:
    """Label Studio and the backend, on free ports, with data of their own in ``folder``; stopped at the end.

    Args:
        folder: for data and logs.
        options: of `ihp serve`, besides those of the demonstration.
    """
    account = Account.random()
    label_studio_port, backend_port = processes.free_port(), processes.free_port()
    url = f"http://localhost:{label_studio_port}"
    ours = backend.server(IHP, folder, backend_port, url, account.token, options)
    with up(label_studio.server(LABEL_STUDIO_ENVIRONMENT, folder, label_studio_port, account), ours):
        yield Installation(
            LabelStudioUser(url, account.token), account, f"http://127.0.0.1:{backend_port}", folder, ours
        )


@contextmanager
def another_backend(installation: Installation, folder: Path, options: Sequence[str]) -> Iterator[str]:
    """The address of one more backend for the same Label Studio, with data of its own in ``folder``."""
    port, account = processes.free_port(), installation.account
    server = backend.server(IHP, folder, port, installation.client.url, account.token, options)
    with up(server):
        yield f"http://127.0.0.1:{port}"


def new_project(
    installation: Installation,
    photographs: Sequence[Path],
    backend_url: str | None = None,
    label_config: str | None = None,
    **settings: Any,
) -> Project:
    """A project of its own, so that no test sees another's clicks, annotations or webhooks."""
    client = installation.client
    record = client.create_project(
        f"Contract {next(_numbers)}",
        label_config or LABELLING_CONFIG.read_text(),
        **{**demo_project.SETTINGS, **settings},
    )
    for path in photographs:
        demo_project.import_photograph(client, record["id"], path)
    connected = demo_project.ensure_backend(client, record["id"], backend_url or installation.backend_url)
    tasks = sorted(client.tasks(record["id"], fields="all"), key=lambda task: int(task["id"]))
    return Project(record["id"], connected["id"], tasks, client)


def bearer(client: LabelStudioUser, token: str) -> LabelStudioUser:
    """The API under a personal access token, which is changed for a short-lived one first."""
    return LabelStudioUser(client.url, token)


def eventually(condition: Callable[[], bool], patience: float = 10.0) -> bool:
    """Whether the condition comes true within ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
