"""Database files that are gone, locked, damaged or emptied while the server runs, and back again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ihp_backend.annotation_store.event_inbox import EVENTS
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import STORE, Workspace
from ihp_backend.label_studio.clicks.click_memory import CLICKS_FILE
from ihp_backend.storage.storage_error import StorageError
from tests.server.stand_in import capture
from tests.server.wild_bodies import BROWSER

from .serving import clicked

EVENT = capture("41")["request"]
FILES = [EVENTS, STORE, CLICKS_FILE]


@pytest.fixture
def client(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """Of an application that waits for a locked file as long as it takes to see that it does."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **{**more, "timeout": 0.1}))
    return client


def walk(client: FlaskClient, task: int) -> tuple[int, list[dict[str, Any]]]:
    """Everything that Label Studio, people and Prometheus ask; the status of the event, and the errors."""
    errors = []
    for path in ("/health", "/metrics", "/versions"):
        assert client.get(path).status_code == 200
    setup = client.post("/setup", json=capture("01")["request"])
    assert setup.status_code == 200
    (item,) = client.post("/predict", json=clicked(task, "/data/upload/1/a.jpg")).get_json()["results"]
    assert len(item["result"]) == 1
    if "error" in item:
        errors += [item["error"], *item["error"].get("others", [])]
    event = client.post("/webhook", json=EVENT)
    for answer in (event, client.get("/status"), client.get("/status", headers=BROWSER)):
        assert answer.status_code in (200, 201, 503)
        if answer.status_code == 503:
            errors.append(answer.get_json()["error"])
    for error in errors:
        assert error["field"]
        assert error["value"]
        assert error["remedy"]
    return event.status_code, errors


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def damaged(file: Path) -> Iterator[None]:
    """Overwritten, as by another program; the copy of a backup comes back."""
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = file.with_suffix(".copy")
    shutil.copy(file, copy)
    file.write_bytes(b"no database, " * 1000)
    yield
    for beside in file.parent.glob(f"{file.name}-*"):
        beside.unlink()
    shutil.copy(copy, file)


@pytest.mark.parametrize("name", FILES)
def test_a_locked_file(client: FlaskClient, data: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert walk(client, 1) == (201, [])
    with locked(data / name):
        status, errors = walk(client, 2)
        assert status == (503 if name == EVENTS else 201)
        if name != STORE:
            assert any("another program holds it" in str(error) for error in errors)
    assert walk(client, 3) == (201, [])
    assert client.get("/status").get_json()["events_recorded"] == (2 if name == EVENTS else 3)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file(client: FlaskClient, data: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert walk(client, 1) == (201, [])
    with damaged(data / name):
        status, errors = walk(client, 2)
        if name == EVENTS:
            assert status == 503
            assert any("it is damaged: put a copy of it back" in error["remedy"] for error in errors)
    status, _ = walk(client, 3)
    assert status == 201
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_removed(client: FlaskClient, data: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """What comes from then on is kept and taken in; nobody has what was in it."""
    assert walk(client, 1) == (201, [])
    here = client.application.extensions["ihp_backend"]
    ingest(here.inbox, here.workspace.annotation_store)
    for file in data.glob(f"{name}*"):
        file.unlink()
    status, _ = walk(client, 2)
    assert status == 201
    assert ingest(here.inbox, here.workspace.annotation_store) == (2 if name == STORE else 1)
    assert client.get("/status").get_json()["events_recorded"] == (1 if name == EVENTS else 2)
    assert "Traceback" not in caplog.text
    if name != CLICKS_FILE:
        assert f"{data / name} was removed" in caplog.text


def test_events_that_were_removed_while_nothing_ran(client: FlaskClient, data: Path) -> None:
    """The events that come then are no events that were taken in."""
    for task in range(3):
        walk(client, task)
    here = client.application.extensions["ihp_backend"]
    assert ingest(here.inbox, here.workspace.annotation_store) == 3
    for file in data.glob(f"{EVENTS}*"):
        file.unlink()
    workspace = Workspace(data)
    assert workspace.inbox.record(EVENT) == 4
    assert ingest(workspace.inbox, workspace.annotation_store) == 1


def test_the_worker_goes_on_when_damaged_events_are_back(client: FlaskClient, data: Path) -> None:
    walk(client, 1)
    workspace = Workspace(data)
    with damaged(data / EVENTS), pytest.raises(StorageError, match="it is damaged: put a copy of it back"):
        ingest(workspace.inbox, workspace.annotation_store)
    assert ingest(workspace.inbox, workspace.annotation_store) == 1


def test_a_whole_data_folder_that_was_removed(client: FlaskClient, data: Path) -> None:
    assert walk(client, 1) == (201, [])
    shutil.rmtree(data)
    status, errors = walk(client, 2)
    assert status == 503
    assert any("check that its folder exists and may be written to" in json.dumps(error) for error in errors)
    data.mkdir()
    assert walk(client, 3)[0] == 201
