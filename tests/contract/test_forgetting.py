"""The real Label Studio, a backend with its worker, and a task that is deleted: what others may see, what is left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from examples.demo import project as demo_project
from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from tests.storage.test_owner_only import open_to_others

from .installation import FACE, IHP, PATIENCE, Installation, Project, another_backend, eventually
from .regions import COLLINS, HOPPER, click

pytestmark = pytest.mark.label_studio


def test_a_deleted_task_is_forgotten_and_nothing_is_open_to_others(
    installation: Installation, make_project: Callable[[list[Path]], Project], tmp_path: Path
) -> None:
    project = make_project([PHOTOGRAPHS / "grace_hopper.jpg", PHOTOGRAPHS / "eileen_collins.jpg"])
    client, data = project.client, tmp_path / "backend"
    client.change("DELETE", f"/api/ml/{project.backend}")
    for hook in client.records("/api/webhooks/", project=project.id):
        client.change("DELETE", f"/api/webhooks/{hook['id']}/")
    with another_backend(installation, tmp_path, []) as url:
        backend = demo_project.ensure_backend(client, project.id, url)
        for task, size in zip(project.tasks, (HOPPER, COLLINS), strict=True):
            answer = client.predict_interactively(backend["id"], task["id"], [click(FACE, size)])
            client.annotate(task["id"], answer["result"])

        def accepted() -> Any:
            projects = requests.get(f"{url}/status", timeout=60).json()["projects"]
            return projects.get(str(project.id), {}).get("accepted")

        assert eventually(lambda: accepted() == 2, PATIENCE)
        assert open_to_others(data) == set()
        photographs = set((data / "photographs").iterdir())
        assert len(photographs) == 2
        gone, stays = (int(task["id"]) for task in project.tasks)
        studio = LabelStudio(ImageSettings(label_studio_url=client.url, label_studio_api_key=client.token))
        assert [studio.exists(f"/api/tasks/{task}/") for task in (gone, stays)] == [True, True]
        assert "Label Studio has" in forget(client.url, client.token, data, project.id, gone)
        client.change("DELETE", f"/api/tasks/{gone}/")
        assert [studio.exists(f"/api/tasks/{task}/") for task in (gone, stays)] == [False, True]
        assert studio.exists(f"/api/projects/{project.id}/")
        assert eventually(lambda: accepted() == 1, PATIENCE)
        assert set((data / "photographs").iterdir()) == photographs
        assert "1 photographs" in forget(client.url, client.token, data, project.id, gone)
        (left,) = (data / "photographs").iterdir()
        assert left in photographs
        assert accepted() == 1
        assert open_to_others(data) == set()


def forget(url: str, token: str, data: Path, project: int, task: int) -> str:
    """What `ihp forget` says."""
    command = [str(IHP), "forget", "--project", str(project), "--task", str(task), "--data-dir", str(data)]
    variables = {**os.environ, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": token}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)
    return done.stdout + done.stderr
