"""The worker looks when there is something to see, and asks Label Studio for what it was not told."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from ihp_backend.finetuning.base_data import open_base
from ihp_backend.finetuning.run_job import PATIENCE, RetrainingPolicy, run_job
from ihp_backend.finetuning.worker import AGAIN, MENDING, RECONCILE, Worker
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.storage.storage_error import StorageError
from tests.finetuning.test_accepted_set import CONFIG, photograph, region
from tests.label_studio.image_server import ImageServer, sends, status


class Here:
    """A worker whose fine-tuning jobs are counted, and a Label Studio."""

    def __init__(self, folder: Path, server: ImageServer) -> None:
        self.workspace, self.server = Workspace(folder), server
        self.images = ImageSettings(label_studio_url=server.url)
        self.now, self.held = 0.0, [""][:0]
        self.worker = Worker(self.workspace, self.images, RetrainingPolicy(every=2), self.held.append, lambda: self.now)
        self.tasks: list[dict[str, Any]] = []
        project = json.dumps({"label_config": CONFIG}).encode()
        server.routes["/api/projects/2/"] = sends(project, "application/json")
        server.routes["/api/tasks/"] = lambda handler: sends(
            json.dumps({"tasks": self.tasks, "total": len(self.tasks)}).encode(), "application/json"
        )(handler)

    def accept(self, task: int, told: bool = True) -> None:
        annotation = {"id": task, "task": task, "result": [region("Hat")], "updated_at": "2026-11-20T07:01:00Z"}
        data = {"id": task, "data": {"photo": f"/{task}.png"}}
        self.tasks.append({**data, "annotations": [annotation]})
        self.server.routes[f"/{task}.png"] = sends(photograph(task))
        if told:
            project = {"id": 2, "label_config": CONFIG}
            event = {"action": "ANNOTATION_CREATED", "annotation": annotation, "project": project, "task": data}
            self.workspace.inbox.record(event)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    with ImageServer() as server:
        yield Here(tmp_path, server)
        server.shutdown()


def learned(here: Here) -> int:
    index = here.workspace.accepted("2").read()
    return 0 if index is None else len(index.items)


def test_a_job_is_run_when_enough_is_new(here: Here) -> None:
    here.worker.check()
    assert here.held == []
    for task in range(8):  # A fifth of them is held out.
        here.accept(task)
        here.worker.check()
        if here.held:
            break
    assert here.held == ["2"]
    assert learned(here) >= 2


def test_what_was_not_told_is_asked_for(here: Here) -> None:
    here.accept(1)
    here.worker.check()
    for task in range(2, 8):
        here.accept(task, told=False)
    here.worker.check()
    assert (learned(here), here.held) == (1, [])
    here.now += RECONCILE + 1
    here.worker.check()
    assert (learned(here), here.held) == (7, ["2"])


def test_an_event_that_told_nothing_is_made_good_at_once(here: Here) -> None:
    here.accept(1)
    here.worker.check()
    for task in range(2, 8):
        here.accept(task, told=False)
    here.workspace.inbox.record({"action": "ANNOTATION_CREATED"})
    here.worker.check()
    assert learned(here) == 1
    here.now += MENDING + 1
    here.worker.check()
    assert (learned(here), here.held) == (7, ["2"])
    here.accept(9, told=False)
    here.now += MENDING + 1
    here.worker.check()  # Made good: nothing is asked before RECONCILE.
    assert learned(here) == 7


def test_a_project_of_which_only_the_number_is_known_is_fetched(here: Here) -> None:
    here.accept(1, told=False)
    here.workspace.inbox.record({"action": "ANNOTATION_CREATED", "ihp_projects": ["2"]})
    here.worker.check()
    assert learned(here) == 1


def test_an_event_that_told_nothing_waits_for_a_label_studio_in_trouble(
    here: Here, caplog: pytest.LogCaptureFixture
) -> None:
    here.accept(1)
    here.worker.check()
    listing = here.server.routes["/api/tasks/"]
    here.server.routes["/api/tasks/"] = status(401)
    here.accept(2, told=False)
    here.workspace.inbox.record({"action": "ANNOTATION_CREATED"})
    for _ in range(3):
        here.now += MENDING + 1
        here.worker.check()
    assert caplog.text.count("project 2: not compared with Label Studio") == 1
    here.server.routes["/api/tasks/"] = listing
    here.now += AGAIN + 1
    here.worker.check()
    assert learned(here) == 2


def test_without_an_address_it_is_said_that_nothing_is_fetched(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker(here.workspace, ImageSettings(), RetrainingPolicy(every=2), here.held.append, lambda: here.now)
    here.workspace.inbox.record({"action": "ANNOTATION_CREATED", "ihp_projects": ["2"]})
    worker.check()
    assert "project 2: not compared with Label Studio: label_studio_url: not set" in caplog.text


@pytest.mark.parametrize(
    "wild",
    [
        {"action": "ANNOTATION_CREATED", "project": {"id": 2, "label_config": "\ud800"}},
        {"action": "ANNOTATION_CREATED", "annotation": {"id": 8, "task": 8, "completed_by": "\ud800"}, "project": 2},
        {
            "action": "ANNOTATION_CREATED",
            "annotation": {"id": 8, "task": {"id": [8]}},
            "task": {"id": [8]},
            "project": 2,
        },
        {"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 10**400}], "project": {"id": 2}},
        {"action": "ANNOTATION_CREATED", "annotation": {"id": 8, "task": 8, "updated_at": "0001-01-01"}, "project": 2},
    ],
)
def test_nothing_that_was_stored_stops_the_ingest(here: Here, wild: dict[str, Any]) -> None:
    """Also what an earlier release stored, whose door let everything in."""
    here.workspace.inbox.record(wild)
    here.accept(1)
    here.worker.check()
    assert learned(here) == 1
    assert here.workspace.annotation_store.ingested == 2


@pytest.mark.parametrize("result", [[{"type": "brushlabels", "value": {"brushlabels": [["Hat"]]}}], "Hat", [[1]]])
def test_wild_regions_cost_only_their_own_task(here: Here, result: Any) -> None:
    here.accept(1)
    annotation = {"id": 5, "task": 5, "result": result, "updated_at": "2026-11-20T07:01:00Z"}
    task = {"id": 5, "data": {"photo": "/5.png"}}
    here.tasks.append({**task, "annotations": [annotation]})
    project = {"id": 2, "label_config": CONFIG}
    event = {"action": "ANNOTATION_CREATED", "annotation": annotation, "task": task, "project": project}
    here.workspace.inbox.record(event)
    here.worker.check()
    assert learned(here) == 1


def test_an_event_that_cannot_be_read_is_left_aside(here: Here) -> None:
    here.accept(1)
    with sqlite3.connect(here.workspace.data_dir / "events.sqlite") as connection:
        row = "INSERT INTO events (received, kind, project, payload) VALUES (0, 'X', '', ?)"
        connection.executemany(row, [("[" * 100_000,), ("no JSON",), ("[1]",)])
    connection.close()
    here.accept(2)
    here.worker.check()
    assert learned(here) == 2


def test_label_studio_in_trouble_is_tried_again_later(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    here.accept(1)
    listing = here.server.routes["/api/tasks/"]
    here.server.routes["/api/tasks/"] = status(401)
    del here.server.routes["/1.png"]
    here.worker.check()
    assert "project 2: not compared with Label Studio" in caplog.text
    assert "LABEL_STUDIO_API_KEY" in caplog.text
    assert learned(here) == 0
    here.server.routes |= {"/api/tasks/": listing, "/1.png": sends(photograph(1))}
    here.now += AGAIN + 1
    here.worker.check()
    assert learned(here) == 1


@pytest.mark.parametrize("trouble", [StorageError("annotation store: full", disk_full=True), KeyError("whatever")])
def test_it_ends_when_asked_and_survives_trouble(
    here: Here, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    from ihp_backend.finetuning import worker as module

    tries: list[int] = []

    def failing(*_: Any) -> int:
        tries.append(1)
        raise trouble

    monkeypatch.setattr(module, "ingest", failing)
    monkeypatch.setattr(module, "AGAIN", 0.1)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    ended = Event()
    thread = Thread(target=here.worker.run, args=(ended,))
    thread.start()
    deadline = time.monotonic() + 20
    while len(tries) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    ended.set()
    thread.join(20)
    assert len(tries) >= 3
    assert not thread.is_alive()


def test_a_job_that_fails_is_told_and_not_run_again_at_once(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    for task in range(8):
        here.accept(task)
    retraining_policy = RetrainingPolicy(every=2, base_model="ccp-deeplab")
    report = run_job(here.workspace, "2", here.images, retraining_policy)
    assert report is not None
    assert (report.state, "cannot be fine-tuned" in report.message) == ("failed", True)
    assert run_job(here.workspace, "2", here.images, retraining_policy) is None
    asked = run_job(here.workspace, "2", here.images, retraining_policy, asked=True)
    assert asked is not None
    later = time.time() + PATIENCE + 1
    monkeypatch.setattr("ihp_backend.finetuning.run_job.time.time", lambda: later)
    assert run_job(here.workspace, "2", here.images, retraining_policy) is not None


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate")]
)
def test_want_of_memory_is_told_with_what_helps(here: Here, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def hungry(*_: object) -> None:
        raise error

    monkeypatch.setattr("ihp_backend.finetuning.job.run_steps", hungry)
    for task in range(8):
        here.accept(task)
    report = run_job(here.workspace, "2", here.images, RetrainingPolicy(every=2))
    assert report is not None
    assert report.state == "failed"
    assert report.message.startswith(f"out of memory ({error}); annotate smaller photographs")


@pytest.mark.parametrize(
    ("named", "message"),
    [("ccp", "no NAME:FOLDER"), ("zoo:/x", "'zoo' is unknown"), ("ccp:/nowhere", "base: root: /nowhere is missing")],
)
def test_a_base_validation_that_is_none(named: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_base(named)
    assert open_base(None) is None


def test_a_job_that_was_stopped_stays_so_for_a_while(here: Here) -> None:
    for task in range(8):
        here.accept(task)
    with here.workspace.progress("2").job("asked for") as running:
        assert running is not None
        running.end("stopped", message="asked to")
    here.worker.check()
    assert here.held == []
