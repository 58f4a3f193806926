"""The demonstration itself: both servers up, the project complete, one click proven."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from examples.demo import backend, label_studio, project, proof
from examples.demo.client import LabelStudioUser
from examples.demo.label_studio import Account
from examples.demo.processes import (
    Server,
    ServerError,
    last_words,
    owner_is_alive,
    port_becomes_free,
    running,
    start,
    stop,
    wait_until_healthy,
)
from examples.demo.settings import (
    LABELLING_CONFIG,
    PHOTOGRAPHS,
    ROOT,
    SettingError,
    Settings,
    load_account,
    photographs,
    taken_port_message,
)
from examples.demo.steps import Steps
from ihp_backend.label_studio.api.client import ApiError, Record


class Demonstration:
    """Both servers and the project between them.

    Use as a context manager: whatever was started is stopped at its end, also after an error or Ctrl-C.
    """

    def __init__(self, settings: Settings, steps: Steps) -> None:
        self.settings = settings
        self.steps = steps
        self.images = photographs(settings.images)
        self.account: Account = load_account(settings.folder)
        self._data = settings.folder / "label-studio"
        self._ready = settings.folder / "label-studio.ready"
        self.label_studio: Server = label_studio.server(
            ROOT / ".venv-label-studio", settings.folder, settings.label_studio_port, self.account
        )
        self.backend: Server = backend.server(
            ROOT / ".venv" / "bin" / "ihp",
            settings.folder,
            settings.backend_port,
            settings.label_studio_url,
            self.account.token,
        )
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.client = LabelStudioUser(settings.label_studio_url, self.account.token)

    def __enter__(self) -> Demonstration:
        return self

    def __exit__(self, *_: object) -> None:
        if self._processes:
            self.steps.console.print("Stopping both servers …")
        for server in (self.backend, self.label_studio):
            if server.name in self._processes:
                stop(server.record)

    def start(self) -> None:
        """Start both servers at the same time and wait for each.

        Raises:
            SettingError: a port is taken, or a demonstration runs already.
            ServerError: a server did not come up.
        """
        self._clear_the_way()
        servers = (self.label_studio, self.backend)
        for server in servers:
            server.log.unlink(missing_ok=True)
            self._processes[server.name] = start(server)
        first = not self._ready.exists()
        text = "Label Studio starts" + (" for the first time and makes its database (a minute or two)" if first else "")
        with self.steps.step(text) as step:
            wait_until_healthy(self.label_studio, self._processes[self.label_studio.name], timeout=600)
            self._check_account()
            step.outcome = f"Label Studio answers at {self.settings.label_studio_url}"
        with self.steps.step("The backend starts and loads its model") as step:
            wait_until_healthy(self.backend, self._processes[self.backend.name], timeout=300)
            step.outcome = f"The backend answers at {self.settings.backend_url}"

    def set_up(self) -> Record:
        """Complete the project; returns Label Studio's record of it."""
        with self.steps.step("Project and labelling config") as step:
            record = project.ensure_project(self.client, LABELLING_CONFIG.read_text())
            step.outcome = f"Project {record['title']!r} with {LABELLING_CONFIG.relative_to(ROOT)}"
        missing = project.missing_photographs(self.images, self.client.tasks(record["id"]))
        with self.steps.step("Importing photographs", total=len(missing)) as step:
            for path in missing:
                project.import_photograph(self.client, record["id"], path)
                step.advance()
            step.outcome = f"Photographs: {len(missing)} imported, {len(self.images) - len(missing)} there already"
        with self.steps.step("Connecting the backend and its webhook") as step:
            self._backend = project.ensure_backend(self.client, record["id"], self.settings.backend_url)
            step.outcome = "Backend connected for interactive use, with its webhook"
        return record

    def prove(self, record: Record) -> proof.Proof:
        """Send one click the whole way; ``ProofError`` or ``ApiError`` when no proper mask comes back."""
        with self.steps.step("One click as proof: 'face' on the portrait of Grace Hopper") as step:
            portrait = PHOTOGRAPHS / "grace_hopper.jpg"
            proven = proof.click_once(
                self.client, record["id"], self._backend["id"], portrait, label="face", x=51.5, y=37.5
            )
            share = 100 * proven.pixels / (proven.width * proven.height)
            step.outcome = (
                f"One click on the face: a mask of {proven.pixels} pixels ({share:.1f} % of "
                f"{proven.width}x{proven.height}) came back after {proven.seconds:.2f} s"
            )
        return proven

    def watch(self) -> None:
        """Wait until a server ends by itself, which is an error; otherwise for ever."""
        while True:
            for server in (self.label_studio, self.backend):
                process = self._processes[server.name]
                if process.poll() is not None:
                    raise ServerError(f"{server.name} ended with status {process.returncode}. {last_words(server.log)}")
            time.sleep(1)

    def _clear_the_way(self) -> None:
        """Stop what an earlier demonstration left running; refuse when one is alive or a port is not ours."""
        leftovers = False
        for server in (self.label_studio, self.backend):
            known = running(server.record)
            if known is not None and owner_is_alive(known):
                raise SettingError(
                    f"The demonstration is running already (process {known['owner']}, "
                    f"{self.settings.folder.name}/ is its folder). Stop it there with Ctrl-C first."
                )
            if stop(server.record):
                leftovers = True
        for variable, port, name in (
            ("LABEL_STUDIO_PORT", self.settings.label_studio_port, "Label Studio"),
            ("BACKEND_PORT", self.settings.backend_port, "the backend"),
        ):
            # A server that was stopped just now may hold its port for a moment longer.
            if not port_becomes_free(port, patience=5 if leftovers else 0):
                raise SettingError(taken_port_message(variable, port, name))
        if must_begin_again(self._data, self._ready):
            shutil.rmtree(self._data)

    def _check_account(self) -> None:
        """Checks that the account works, and so that Label Studio's first start was completed."""
        try:
            self.client.get("/api/current-user/whoami")
        except ApiError as error:
            if error.status != 401:
                raise
            raise SettingError(
                f"Label Studio does not know the account in {self.settings.folder.name}/account.json (its token was "
                "refused). Start over with: make demo-reset"
            ) from error
        with suppress(FileExistsError):
            self._ready.touch(exist_ok=False)


def must_begin_again(data: Path, ready: Path) -> bool:
    """Whether Label Studio's data come from a first start that was interrupted.

    Only a first start makes the account with its token; one that ended half-way cannot be repaired by a second.
    """
    return data.exists() and not ready.exists()
