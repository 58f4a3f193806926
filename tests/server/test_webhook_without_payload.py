"""A webhook that tells only that something happened is recorded, said, and made good by asking Label Studio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture

EVENT = Path(__file__).parents[1] / "cases" / "18-webhook-without-payload" / "event.json"
ACTIONS = [
    *("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED", "ANNOTATIONS_DELETED", "TASKS_CREATED"),
    *("TASKS_DELETED", "PROJECT_UPDATED"),
]


def told(client: FlaskClient) -> list[dict[str, Any]]:
    return list(client.get("/status").get_json()["errors"])


def test_it_is_recorded_and_said_everywhere(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.post("/webhook", json=json.loads(EVENT.read_text()))
    assert answer.status_code == 201
    error = answer.get_json()["error"]
    assert (error["field"], error["value"]) == ("webhook", "ANNOTATION_CREATED without its project")
    assert error["remedy"].startswith("switch on Send payload of this webhook in Label Studio, Settings, Webhooks; ")
    assert "ihp sync PROJECT" in error["remedy"]  # No project is known.
    assert [each["field"] for each in error["others"]] == ["LABEL_STUDIO_URL"]
    assert [each["field"] for each in told(client)] == ["webhook", "LABEL_STUDIO_URL"]
    (record,) = [each for each in caplog.records if "Send payload" in each.message]
    assert record.levelname == "WARNING"
    assert client.get("/status").get_json()["events_recorded"] == 1


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("more", [{}, {"project": None}, {"project": {}}, {"project": {"id": "\ud800"}}])
def test_whatever_happened_without_a_project(client: FlaskClient, action: str, more: dict[str, Any]) -> None:
    answer = client.post("/webhook", json={"action": action, **more})
    assert (answer.status_code, answer.get_json()["error"]["value"]) == (201, f"{action} without its project")


@pytest.mark.parametrize(
    ("event", "lacks"),
    [
        ({"action": "ANNOTATION_CREATED"}, "annotation"),
        ({"action": "ANNOTATION_CREATED", "annotation": {"id": 5}}, "annotation"),
        (
            {"action": "ANNOTATIONS_CREATED", "annotations": [{"id": 5, "task": 3}, {"id": "x", "task": 3}]},
            "annotation",
        ),
        ({"action": "ANNOTATIONS_DELETED", "annotations": []}, "annotations"),
        ({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": [5]}]}, "annotations"),
        ({"action": "TASKS_DELETED"}, "tasks"),
    ],
)
def test_a_project_without_what_happened_in_it(app: Flask, event: dict[str, Any], lacks: str) -> None:
    answer = app.test_client().post("/webhook", json={**event, "project": {"id": 7}}).get_json()
    assert answer["error"]["value"] == f"{event['action']} without its {lacks}"
    workspace = app.extensions["ihp_backend"].workspace
    ingest(workspace.inbox, workspace.annotation_store)
    assert workspace.annotation_store.untold() == ["7"]


@pytest.mark.parametrize("number", ["40", "41", "42", "43", "44", "45", "46", "47", "48"])
def test_what_tells_all_is_not_complained_of(app: Flask, number: str) -> None:
    assert "error" not in app.test_client().post("/webhook", json=capture(number)["request"]).get_json()
    workspace = app.extensions["ihp_backend"].workspace
    ingest(workspace.inbox, workspace.annotation_store)
    assert workspace.annotation_store.untold() == []


def test_an_unknown_action_without_a_project_is_nobodys_loss(client: FlaskClient) -> None:
    assert "error" not in client.post("/webhook", json={"action": "PING"}).get_json()


def test_training_asked_for_without_a_project_is_said_in_other_words(client: FlaskClient) -> None:
    error = client.post("/webhook", json={"action": "START_TRAINING"}).get_json()["error"]
    assert "payload" not in error["remedy"]


def test_projects_that_were_only_set_up_are_asked_for_too(tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path, images=ImageSettings(label_studio_url="http://studio"))
    app = create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages()))
    client = app.test_client()
    client.post("/setup", json={"project": "12.1", "schema": "", "hostname": "http://studio", "access_token": "t"})
    client.post("/webhook", json={**capture("44")["request"], "project": {"id": 3}})
    workspace: Workspace = app.extensions["ihp_backend"].workspace
    ingest(workspace.inbox, workspace.annotation_store)
    assert workspace.annotation_store.untold() == []
    error = client.post("/webhook", json={"action": "ANNOTATION_CREATED"}).get_json()["error"]
    assert "the worker, if one runs, fetches what is new in all (3, 12)" in error["remedy"]
    assert error["others"] == []
    ingest(workspace.inbox, workspace.annotation_store)
    assert workspace.annotation_store.untold() == ["12", "3"]
    workspace.annotation_store.reconcile("12", [], float("inf"))
    assert workspace.annotation_store.untold() == ["3"]


def test_an_event_is_stored_though_the_annotation_store_cannot_be_read(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "data" / "ledger.sqlite").write_bytes(b"no database" * 1000)
    assert app.test_client().post("/webhook", json={"action": "ANNOTATION_CREATED"}).status_code == 201
