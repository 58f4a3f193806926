"""How many clicks a piece of work took is written down before they are forgotten."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.label_studio.clicks.click_memory import ClickMemory

from .stand_in import capture


def test_clicks_are_counted_with_the_event(client: FlaskClient, tmp_path: Path) -> None:
    for number in ("10", "11", "12"):
        client.post("/predict", json=capture(number)["request"])
    click = capture("12")["request"]
    task, project = click["tasks"][0]["id"], int(str(click["project"]).partition(".")[0])
    annotation = {"id": 9, "task": task, "result": []}
    event = {
        "action": "ANNOTATION_CREATED",
        "annotation": annotation,
        "project": {"id": project},
        "ihp_clicks": {"1": 99},
    }
    for _ in range(2):
        assert client.post("/webhook", json=event).status_code == 201
    first, again = EventInbox(tmp_path / "data" / "events.sqlite").events()
    assert first.payload["ihp_clicks"] == {str(task): 3}
    assert again.payload["ihp_clicks"] == {str(task): 0}


def test_another_annotators_clicks_outlive_a_submission_and_the_server(app: Flask, tmp_path: Path) -> None:
    click = capture("20")["request"]
    assert click["tasks"][0]["drafts"][0]["created_username"].endswith(", 1")
    client = app.test_client()
    client.post("/predict", json=click)
    task, project = click["tasks"][0]["id"], int(str(click["project"]).partition(".")[0])

    def submit(annotator: int) -> None:
        annotation = {"id": 9, "task": task, "result": [], "completed_by": annotator}
        event = {"action": "ANNOTATION_CREATED", "annotation": annotation, "project": {"id": project}}
        assert client.post("/webhook", json=event).status_code == 201

    submit(annotator=2)
    again = ClickMemory(tmp_path / "data" / "clicks.sqlite")
    assert again.active(str(project), str(task)) == 3
    submit(annotator=1)
    assert again.active(str(project), str(task)) == 0
