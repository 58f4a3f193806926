"""`ihp predict-project` with the real Label Studio, and what Label Studio makes of answers that are not whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.label_studio.predict.prediction_items import item_of, unanswered
from ihp_backend.label_studio.problems import problem
from tests.label_studio.image_server import ImageServer, sends

from .installation import COAT, FACE, Installation, Project, new_project
from .regions import click, decoded

pytestmark = pytest.mark.label_studio
PHOTOGRAPHS_IN_PROJECT = 20


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Twenty small photographs of one person, each a little larger, and a file that is none among them."""
    paths = [tmp_path / f"{number:02d}.jpg" for number in range(PHOTOGRAPHS_IN_PROJECT + 1)]
    with Image.open(PHOTOGRAPHS / "grace_hopper.jpg") as whole:
        for number, path in enumerate(paths):
            whole.resize((128 + 2 * number, 150)).save(path, "JPEG")
    paths[7].write_bytes(b"\xff\xd8\xff\xe0 cut off")
    return paths


def predict_project(installation: Installation, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, beside the backend that serves the project."""
    return subprocess.run(
        [sys.executable, "-m", "ihp_backend.cli", "predict-project", *map(str, arguments)],
        env={**os.environ, "LABEL_STUDIO_API_KEY": installation.account.token, "NO_PROXY": "localhost,127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_a_project_is_predicted_once(
    installation: Installation, make_project: Callable[[list[Path]], Project], photographs: list[Path]
) -> None:
    project = make_project(photographs)
    client, url = project.client, installation.client.url
    tasks = [task["id"] for task in project.tasks]
    [version] = [backend["model_version"] for backend in client.backends(project.id)]
    old = client.post("/api/predictions/", {"task": tasks[0], "model_version": f"{version}-old", "result": []})
    arguments = (url, project.id, "--data-dir", installation.folder / "backend")

    def stored(task: int) -> list[dict[str, Any]]:
        return list(client.get("/api/predictions/", task=task))

    first = predict_project(installation, *arguments)
    assert first.returncode == 1, first.stderr
    assert f"project {project.id}: 21 of 21 tasks have no prediction of {version}" in first.stdout
    assert "20 predictions posted, 1 tasks failed" in first.stdout
    assert f"task {tasks[7]}: data.image: /data/upload/" in first.stderr
    for number, task in enumerate(tasks):
        found = [prediction for prediction in stored(task) if prediction["id"] != old["id"]]
        assert len(found) == (number != 7)
        for prediction in found:
            assert prediction["model_version"] == version
            assert 0 < prediction["score"] <= 1
            masks = decoded(prediction["result"])
            assert masks["face"].shape == (150, 128 + 2 * number)
    # The old one is still there, and no longer the one that is shown; the editor shows what the project chooses.
    assert len(stored(tasks[0])) == 2
    assert "annotators see no predictions" in first.stdout
    client.change("PATCH", f"/api/projects/{project.id}/", {"show_collab_predictions": True, "model_version": version})
    [shown] = client.get(f"/api/projects/{project.id}/next")["predictions"]
    assert shown["model_version"] == version
    ordering = json.dumps({"ordering": ["tasks:predictions_score"]})
    listed = client.get("/api/tasks/", project=project.id, query=ordering)["tasks"]
    scores = [task["predictions_score"] for task in listed if task["predictions_score"] is not None]
    assert len(scores) == 20
    assert scores == sorted(scores)

    second = predict_project(installation, *arguments)
    assert "1 of 21 tasks" in second.stdout
    assert "0 predictions posted, 1 tasks failed" in second.stdout
    assert "annotators see" not in second.stdout
    assert sum(len(stored(task)) for task in tasks) == 21

    # One that is annotated is left out, until it is asked for.
    [prediction] = stored(tasks[1])
    client.change("DELETE", f"/api/predictions/{prediction['id']}/")
    client.annotate(tasks[1], [region for region in prediction["result"] if region["value"]["brushlabels"] == ["face"]])
    third = predict_project(installation, *arguments)
    assert "1 of 21 tasks" in third.stdout
    assert "; 1 annotated ones are left out, --all-tasks takes them in" in third.stdout
    assert stored(tasks[1]) == []
    fourth = predict_project(installation, *arguments, "--all-tasks")
    assert "2 of 21 tasks" in fourth.stdout
    assert len(stored(tasks[1])) == 1

    # Label Studio's own button finds them done, too; and a click corrects what was predicted, in place.
    answered = installation.status()["predictions_answered"]
    client.retrieve_predictions(project.id)
    # The one whose photograph is gone is asked for again; it has no result that could be stored, and counts as none.
    assert installation.status()["predictions_answered"] == answered
    face = next(region for region in shown["result"] if region["value"]["brushlabels"] == ["face"])
    task = project.tasks[tasks.index(shown["task"])]
    size = (face["original_width"], face["original_height"])
    clicked = project.click([click(FACE, size=size), click(COAT, size=size)], task["id"])
    assert face["id"] in [region["id"] for region in clicked]


def test_a_task_without_a_result_is_asked_again_and_one_with_an_empty_result_is_not(
    installation: Installation,
) -> None:
    """Why tasks that did not fit the time have no result."""
    asked: list[list[int]] = []

    def predict(handler: BaseHTTPRequestHandler) -> None:
        tasks = [task["id"] for task in json.loads(getattr(handler, "body"))["tasks"]]  # noqa: B009
        asked.append(tasks)
        late = unanswered("v1", problem("tasks", "not answered in time", "ask again"))
        items = [item_of("v1", [], []) if len(asked) > 1 or task == tasks[0] else late for task in tasks]
        sends(json.dumps({"results": items}).encode(), "application/json")(handler)

    with ImageServer() as backend:
        setup = sends(b'{"model_version": "v1", "status": "UP"}', "application/json")
        backend.routes |= {"/health": setup, "/setup": setup, "/predict": predict}
        paths = [PHOTOGRAPHS / "grace_hopper.jpg", PHOTOGRAPHS / "eileen_collins.jpg"]
        project = new_project(installation, paths, backend_url=backend.url)
        first, second = (task["id"] for task in project.tasks)

        def stored() -> list[int]:
            return [len(project.client.get("/api/predictions/", task=task)) for task in (first, second)]

        project.client.retrieve_predictions(project.id)
        assert stored() == [1, 0]
        project.client.retrieve_predictions(project.id)
        assert stored() == [1, 1]
        project.client.retrieve_predictions(project.id)
        backend.shutdown()
    assert [set(tasks) for tasks in asked] == [{first, second}, {second}]
