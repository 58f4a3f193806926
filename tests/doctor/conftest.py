"""A Label Studio and a backend in one small HTTP server, as healthy as a test lets them be."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.doctor.case import Case
from ihp_backend.doctor.examination import examine_servers
from ihp_backend.doctor.finding import Finding
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.image_server import Answer, ImageServer, sends
from tests.server.stand_in import photograph

CONFIG = (Path(__file__).parents[2] / "examples" / "labelling_configs" / "ccp.xml").read_text()
TOKEN = "0123456789abcdef" * 2 + "01234567"


def _json(content: object, code: int = 200) -> Answer:
    return sends(json.dumps(content).encode(), "application/json", code)


class StandInInstallation:
    """Project 7 with one photograph, its backend and its webhook; tests break what they want in ``routes``."""

    def __init__(self, server: ImageServer) -> None:
        self.server = server
        self.url = server.url
        self.token = TOKEN
        self.backend = {"id": 3, "url": f"{self.url}/", "is_interactive": True, "state": "CO", "title": "IHP"}
        self.hook = {"id": 5, "project": 7, "url": f"{self.url}/webhook"}
        self.hook |= {"send_payload": True, "send_for_all_actions": True, "is_active": True}
        self.project: dict[str, Any] = {"id": 7, "label_config": CONFIG, "show_collab_predictions": False}
        self.answers("/api/version/", {"release": "1.23.2"})
        self.answers("/api/current-user/whoami", {"email": "a@example.com"})
        self.answers("/api/projects/", {"results": [{"id": 7}]})
        self.answers("/api/projects/7/", self.project)
        self.answers("/api/ml/", [self.backend])
        self.answers("/api/ml/3/interactive-annotating", {"data": {"result": []}})
        self.answers("/api/webhooks/", [self.hook])
        self.answers("/api/tasks/", {"tasks": [{"id": 9, "data": {"image": "/data/upload/7/a.jpg"}}], "total": 1})
        self.server.routes["/data/upload/7/a.jpg"] = sends(photograph(), "image/jpeg")
        self.answers("/health", {"status": "UP", "model_class": "IHPBackend", "model_version": "stand-in-1"})
        self.answers("/setup", {"labels": {"matched": {"hat": ["hat"]}, "unmatched": {}}})
        self.answers("/status", {"events_recorded": 4, "errors": []})
        self.answers("/predict", {"results": [{"result": []}]})

    def answers(self, path: str, content: object, code: int = 200) -> None:
        """What a path answers from now on."""
        self.server.routes[path] = _json(content, code)

    def refuses(self, path: str, told: object, listed: object) -> None:
        """A path answers a POST with 403, and a GET with a list."""
        answers = {"POST": _json(told, 403), "GET": _json(listed)}

        def answer(handler: BaseHTTPRequestHandler) -> None:
            answers[handler.command](handler)

        self.server.routes[path] = answer

    def case(self, project: int | None = None) -> Case:
        images = ImageSettings(label_studio_url=self.url, label_studio_api_key=self.token, allow_private_addresses=True)
        return Case(ServerSettings(images=images), LabelStudio(images, pauses=()), self.url, project)

    def examine(self, project: int | None = None) -> dict[str, Finding]:
        """The findings by check; of several of one check the worst, of those the first."""
        levels = ("error", "warning", "ok")
        found = list(examine_servers(self.case(project)))
        ordered = sorted(found, key=lambda finding: levels.index(finding.level))
        return {finding.check: finding for finding in reversed(ordered)}

    def wrong(self, project: int | None = None) -> dict[str, Finding]:
        """Those that are no "ok"."""
        return {check: finding for check, finding in self.examine(project).items() if finding.level != "ok"}

    def must_name(self, check: str, level: str, found: str, remedy: str, project: int | None = None) -> None:
        """Fails unless a check names what is wrong, at this level and with these words."""
        finding = self.wrong(project)[check]
        assert finding.level == level
        assert found in finding.found
        assert remedy in finding.remedy


@pytest.fixture
def installation() -> Iterator[StandInInstallation]:
    with ImageServer() as server:
        yield StandInInstallation(server)
        server.shutdown()


@pytest.fixture
def dead_url() -> Iterator[str]:
    """An address of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


Break = Callable[[StandInInstallation], None]
