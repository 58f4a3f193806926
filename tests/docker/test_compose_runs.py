"""Label Studio, backend and worker as docker/compose.yaml starts them, side by side on this machine.

What containers have and this machine has not is replaced: names of hosts become loopback, folders of volumes and
secrets become temporary ones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from examples.demo import label_studio, processes
from examples.demo import project as demo_project
from examples.demo.client import LabelStudioUser
from examples.demo.label_studio import Account
from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS
from ihp_backend.label_studio.api.client import ApiError
from tests.contract.conftest import LABEL_STUDIO_ENVIRONMENT, require_label_studio
from tests.contract.installation import COAT, FACE, Project, eventually
from tests.contract.regions import click, decoded

from .images import beginning
from .test_compose import COMPOSE, SERVICES

# test_compose.py reads the same file, and the contract tests run the same servers in another way.
pytestmark = [pytest.mark.label_studio, pytest.mark.slow]


class Machine:
    """Starts services in a folder.

    Args:
        folder: for secrets, volumes and logs.
        account: whose password and token become the secrets.
    """

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder, self.account = folder, account
        self.ports = {"label-studio": processes.free_port(), "backend": processes.free_port()}
        secrets = {"label_studio_password": account.password, "label_studio_token": account.token}
        assert secrets.keys() == COMPOSE["secrets"].keys()
        (folder / "secrets").mkdir()
        for name, secret in secrets.items():
            (folder / "secrets" / name).write_text(f"{secret}\n")

    def url(self, service: str) -> str:
        """A service's address."""
        return f"http://{processes.LOOPBACK}:{self.ports[service]}"

    def label_studio(self) -> processes.Server:
        """Label Studio."""
        script = self._here(SERVICES["label-studio"]["entrypoint"][-1])
        # It would listen on all addresses, as it has to in a container.
        script = script.replace("label-studio start", f"label-studio start --internal-host {processes.LOOPBACK}")
        inherited = {name: os.environ[name] for name in label_studio.INHERITED if name in os.environ}
        there = {
            "PATH": f"{LABEL_STUDIO_ENVIRONMENT}/bin:{os.environ['PATH']}",
            "LABEL_STUDIO_BASE_DATA_DIR": str(self.folder / "label-studio"),
            "LABEL_STUDIO_PORT": str(self.ports["label-studio"]),
        }
        settings = self._settings("label-studio")
        # The backend is on this machine here and not in a container beside it.
        settings["USER_ADDITIONAL_BANNED_SUBNETS"] = re.sub(
            r"(0|127)\.0\.0\.0/8,", "", settings["USER_ADDITIONAL_BANNED_SUBNETS"]
        )
        return self._server("label-studio", ["sh", "-c", script], {**inherited, **there, **settings})

    def ours(self, service: str) -> processes.Server:
        """The backend or its worker."""
        said = SERVICES[service]
        begins = beginning(said["build"]["target"], os.environ["PATH"])
        program, arguments = begins.command[0], said.get("command", begins.command[1:])
        there = {
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "IHP_HOST": processes.LOOPBACK,
            "IHP_PORT": str(self.ports["backend"]),
            "IHP_DATA_DIR": str(self.folder / "data"),
            "IHP_CREDENTIALS_FILE": str(self.folder / "data" / "credentials.json"),
        }
        command = [str(Path(sys.executable).parent / program), *arguments]
        return self._server(service, command, {**begins.environment, **self._settings(service), **there})

    def run(self, *arguments: str) -> None:
        """A command of ours in the backend's container."""
        server = self.ours("backend")
        subprocess.run([server.command[0], *arguments], env=dict(server.environment), timeout=600, check=True)

    def status(self) -> dict[str, Any]:
        """The backend's /status."""
        credentials = json.loads((self.folder / "data" / "credentials.json").read_text())
        shown = ("monitoring", credentials["monitoring"]["secret"])
        return dict(requests.get(f"{self.url('backend')}/status", auth=shown, timeout=60).json())

    def _settings(self, service: str) -> dict[str, str]:
        return {name: self._here(value) for name, value in SERVICES[service]["environment"].items()}

    def _here(self, text: str) -> str:
        text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text).replace("$$", "$")
        text = text.replace("http://label-studio:8080", self.url("label-studio"))
        return text.replace("/run/secrets/", f"{self.folder}/secrets/")

    def _server(self, service: str, command: list[str], environment: dict[str, str]) -> processes.Server:
        return processes.Server(
            service, command, environment, health_url=f"{self.url(service)}/health" if service in self.ports else "",
            log=self.folder / f"{service}.log", record=self.folder / f"{service}.process.json",
        )  # fmt: skip


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    require_label_studio()
    machine = Machine(tmp_path_factory.mktemp("compose"), Account.random())
    machine.run("credentials")
    servers = [machine.label_studio(), machine.ours("backend"), machine.ours("worker")]
    try:
        started = [(server, processes.start(server)) for server in servers]
        for server, process in started[:2]:
            processes.wait_until_healthy(server, process, timeout=600)
        yield machine
    finally:
        for server in servers:
            processes.stop(server.record)


@pytest.fixture(scope="module")
def project(machine: Machine) -> Project:
    client = LabelStudioUser(machine.url("label-studio"), machine.account.token)
    number = client.create_project("Compose", LABELLING_CONFIG.read_text(), **demo_project.SETTINGS)["id"]
    demo_project.import_photograph(client, number, PHOTOGRAPHS / "grace_hopper.jpg")
    machine.run("doctor", "--project", str(number), "--fix", "--backend", machine.url("backend"))
    (backend,) = client.backends(number)
    return Project(number, backend["id"], list(client.tasks(number, fields="all")), client)


def test_the_password_is_that_of_the_secret(machine: Machine) -> None:
    with requests.Session() as browser:
        page = f"{machine.url('label-studio')}/user/login/"
        browser.get(page, timeout=60)
        form = {
            "email": SERVICES["label-studio"]["environment"]["LABEL_STUDIO_USERNAME"].partition(":-")[2].rstrip("}"),
            "password": machine.account.password,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        assert browser.post(page, form, timeout=60).ok
        assert browser.get(f"{machine.url('label-studio')}/api/current-user/whoami", timeout=60).ok


def test_what_is_clicked_and_submitted_is_accepted_by_the_worker(machine: Machine, project: Project) -> None:
    regions = project.click([click(FACE), click(COAT)])
    assert {"face", "coat"} <= decoded(regions).keys()
    project.client.annotate(project.tasks[0]["id"], regions)

    def accepted() -> Any:
        status = machine.status()
        return status["events_recorded"], status["projects"].get(str(project.id), {}).get("accepted")

    assert eventually(lambda: accepted() == (1, 1), 120), processes.last_words(machine.folder / "worker.log")


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200"])
def test_closed_networks_stay_closed(address: str, project: Project) -> None:
    with pytest.raises(ApiError) as refused:
        project.client.connect_backend(project.id, f"http://{address}", "elsewhere")
    assert refused.value.status == 403
    assert "reserved network address" in str(refused.value)
