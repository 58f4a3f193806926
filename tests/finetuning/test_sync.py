"""Synchronising with a Label Studio that answers, is down, refuses, or is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.ingest import PAGE, sync
from ihp_backend.label_studio.annotations.annotation_events import changes
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from tests.label_studio.image_server import ImageServer, sends, status


def annotated(task: int, *, updated: str = "2026-11-20T07:01:27Z") -> dict[str, Any]:
    annotation = {"id": 100 + task, "task": task, "result": [], "updated_at": updated, "completed_by": 1}
    return {"id": task, "data": {"image": f"{task}.jpg"}, "annotations": [annotation], "predictions": []}


@pytest.fixture
def studio() -> Iterator[ImageServer]:
    with ImageServer() as server:
        yield server
        server.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> AnnotationStore:
    return AnnotationStore(tmp_path / "ledger.sqlite")


def holds(studio: ImageServer, tasks: list[dict[str, Any]], config: str = "<View/>") -> LabelStudio:
    """Lets the server be a Label Studio whose project 2 has these tasks."""

    def listing(handler: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        assert (query["project"], query["fields"]) == ("2", "all")
        first = (int(query["page"]) - 1) * int(query["page_size"])
        page = tasks[first : first + int(query["page_size"])]
        body = json.dumps({"tasks": page, "total": len(tasks)}).encode()
        sends(body, "application/json")(handler)

    studio.routes["/api/tasks/"] = listing
    project = {"id": 2, "label_config": config}
    studio.routes["/api/projects/2/"] = sends(json.dumps(project).encode(), "application/json")
    settings = ImageSettings(label_studio_url=studio.url, label_studio_api_key="a" * 40, read_seconds=1)
    return LabelStudio(settings, pauses=())


def ids(store: AnnotationStore) -> list[int]:
    return [annotation.id for annotation in store.current("2")]


def test_the_annotation_store_becomes_what_is_listed(studio: ImageServer, store: AnnotationStore) -> None:
    tasks = [annotated(task) for task in range(2 * PAGE + 1)]
    api = holds(studio, tasks)
    assert sync(api, store, "2") == len(tasks)
    assert (len(ids(store)), store.config("2")) == (len(tasks), "<View/>")
    assert {asked.authorization for asked in studio.asked} == {"Token " + "a" * 40}
    assert len(studio.paths()) == 4
    del tasks[3]
    tasks[0] = annotated(0, updated="2026-11-20T09:00:00Z")
    assert sync(api, store, "2") == 2
    assert sync(api, store, "2") == 0
    assert 103 not in ids(store)


def test_it_says_the_same_as_the_events(studio: ImageServer, store: AnnotationStore, tmp_path: Path) -> None:
    tasks = [annotated(task) for task in range(3)]
    sync(holds(studio, tasks), store, "2")
    told = AnnotationStore(tmp_path / "told.sqlite")
    for number, task in enumerate(tasks, start=1):
        event = {"action": "ANNOTATION_CREATED", "annotation": task["annotations"][0], "task": task, "project": 2}
        told.take(number, changes(event))
    assert told.current("2") == store.current("2")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(401), "status 401; Label Studio refused the token"),
        (status(500), "status 500"),
        (sends(b"<html>", "text/html"), "a web page"),
        (sends(b'{"tasks": 3}', "application/json"), "JSON without 'tasks'"),
        (sends(b"[1]", "application/json"), "JSON without 'tasks'"),
        (sends(b"{nonsense", "application/json"), "no JSON"),
    ],
)
def test_trouble_half_way_changes_nothing(
    studio: ImageServer, store: AnnotationStore, answer: Any, message: str
) -> None:
    tasks = [annotated(task) for task in range(PAGE + 1)]
    api = holds(studio, tasks)
    sync(api, store, "2")
    before = store.current("2")
    listing = studio.routes["/api/tasks/"]
    del tasks[0]
    studio.routes["/api/tasks/"] = lambda handler: (answer if "page=2" in handler.path else listing)(handler)
    tasks.append(annotated(999))
    with pytest.raises(ApiError, match=message) as caught:
        sync(api, store, "2")
    assert "/api/tasks/" in str(caught.value)
    assert "a" * 40 not in str(caught.value)
    assert store.current("2") == before


def test_label_studio_down_or_unknown(studio: ImageServer, store: AnnotationStore) -> None:
    with pytest.raises(ApiError, match="set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY"):
        LabelStudio(ImageSettings())
    api = LabelStudio(ImageSettings(label_studio_url="http://127.0.0.1:9"), pauses=())
    with pytest.raises(ApiError, match="nobody listens there; start Label Studio"):
        sync(api, store, "2")
