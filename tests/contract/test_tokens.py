"""Fetching photographs where only personal access tokens are allowed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from examples.demo import backend, processes
from examples.demo.client import LabelStudio
from examples.demo.settings import PHOTOGRAPHS

from .installation import FACE, Installation, new_project
from .regions import click, decoded

pytestmark = pytest.mark.label_studio


@pytest.fixture
def personal_access_token(installation: Installation) -> Iterator[str]:
    """A personal access token of the user, at a time when Label Studio takes no legacy tokens."""
    client = installation.client
    client.post("/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True})
    token = client.post("/api/token/", {})["token"]
    client.post("/api/jwt/settings", {"api_tokens_enabled": True, "legacy_api_tokens_enabled": False})
    yield token
    settings = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": True}
    bearer(client, token).post("/api/jwt/settings", settings)


def bearer(client: LabelStudio, token: str) -> LabelStudio:
    """The API under a personal access token, which has to be changed for a short-lived one first."""
    access = client.request("POST", "/api/token/refresh/", json={"refresh": token}, headers={"Authorization": None})
    return LabelStudio(client.url, access.json()["access"], scheme="Bearer")


def test_uploads_are_fetched_with_a_personal_access_token(
    installation: Installation, personal_access_token: str, tmp_path: Path
) -> None:
    port = processes.free_port()
    program = Path(sys.executable).parent / "ihp"
    server = backend.server(program, tmp_path, port, installation.client.url, personal_access_token)
    process = processes.start(server)
    try:
        processes.wait_until_healthy(server, process, timeout=300)
        client = bearer(installation.client, personal_access_token)
        project = new_project(
            replace(installation, client=client), [PHOTOGRAPHS / "grace_hopper.jpg"], f"http://127.0.0.1:{port}"
        )
        assert decoded(project.click([click(FACE)]))["face"].any()
    finally:
        processes.stop(server.record)
