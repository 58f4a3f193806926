"""The real Label Studio with the real backend for one measured project, which goes on after an interruption."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from examples.demo import backend, label_studio, processes
from examples.demo import project as demo_project
from examples.demo.client import LabelStudioUser
from examples.demo.settings import load_account
from ihp_backend.finetuning.ingest import ingest, sync
from ihp_backend.finetuning.progress import Report
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.api.client import LabelStudio, Record
from ihp_backend.label_studio.config.config_writer import labelling_config
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.labels import LabelSet
from tests.contract.installation import IHP, LABEL_STUDIO_ENVIRONMENT, up

TITLE = "Measured"


@dataclass(frozen=True)
class Studio:
    """One project in a running Label Studio, connected to a running backend.

    Attributes:
        client: of Label Studio.
        project: its number.
        backend: the number of the backend in Label Studio.
        backend_url: where it answers.
        workspace: what the backend keeps.
        environment, options: with which the backend's commands are called.
    """

    client: LabelStudioUser
    project: int
    backend: int
    backend_url: str
    workspace: Workspace
    environment: dict[str, str]
    options: tuple[str, ...]

    def tasks(self) -> dict[str, Record]:
        """The tasks by the name of their photograph's file, without its ending."""
        tasks = self.client.tasks(self.project, fields="all")
        return {Path(demo_project.uploaded_name(task)).stem: task for task in tasks}

    def add(self, photographs: Sequence[Path]) -> None:
        """Uploads photographs that no task shows yet."""
        tasks = self.client.tasks(self.project)
        for photograph in demo_project.missing_photographs(photographs, tasks):
            demo_project.import_photograph(self.client, self.project, photograph)

    def sync(self) -> int:
        """Asks Label Studio for what its webhooks did not tell; gives the number of differences."""
        ingest(self.workspace.inbox, self.workspace.annotation_store)
        settings = ImageSettings.from_environment(self.environment)
        return sync(LabelStudio(settings), self.workspace.annotation_store, str(self.project))

    def learn(self, base: str | None = None) -> Report:
        """Runs a fine-tuning job as ``ihp train`` does; gives what became of it."""
        command = [sys.executable, "-m", "ihp_backend.cli", "train", str(self.project), *self.options]
        command += ["--base", base] if base else []
        subprocess.run(command, env=self.environment, check=True)
        report = self.workspace.progress(str(self.project)).current()
        assert report is not None
        return report


@contextmanager
def running(folder: Path, labels: LabelSet, model: str | None) -> Iterator[Studio]:
    """Starts both servers and makes the project, or goes on with what is in the folder."""
    account = load_account(folder)
    label_studio_port, backend_port = processes.free_port(), processes.free_port()
    url, backend_url = f"http://localhost:{label_studio_port}", f"http://127.0.0.1:{backend_port}"
    options = ("--model", model) if model else ()
    serving = backend.server(IHP, folder, backend_port, url, account.token, options)
    # The worker takes in events and runs no fine-tuning job of its own, so that each runs after a known number.
    environment = {**serving.environment, "IHP_FINE_TUNING_EVERY": "1000000", "IHP_ALLOW_PRIVATE_ADDRESSES": "1"}
    servers = [
        label_studio.server(LABEL_STUDIO_ENVIRONMENT, folder, label_studio_port, account),
        replace(serving, environment=environment),
    ]
    for server in servers:
        processes.stop(server.record)
    with up(*servers, patience=600):
        client = LabelStudioUser(url, account.token)
        made = next((project for project in client.projects() if project["title"] == TITLE), None)
        if made is None:
            made = client.create_project(TITLE, labelling_config(labels), **demo_project.SETTINGS)
        connected = demo_project.ensure_backend(client, made["id"], backend_url)
        data_dir = folder / "backend"
        arguments = ("--data-dir", str(data_dir), *options)
        yield Studio(
            client,
            made["id"],
            connected["id"],
            backend_url,
            Workspace(data_dir),
            {**os.environ, **environment},
            arguments,
        )
