"""Fetching photographs where only personal access tokens are allowed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from examples.demo import backend, processes
from examples.demo.settings import PHOTOGRAPHS

from .installation import FACE, Installation, bearer, new_project
from .regions import click, decoded

pytestmark = pytest.mark.label_studio


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
