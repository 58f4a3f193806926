"""How many clicks a piece of work took is written down before they are forgotten."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskClient

from ihp_backend.retraining import Inbox

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
    first, again = Inbox(tmp_path / "data" / "events.sqlite").events()
    assert first.payload["ihp_clicks"] == {str(task): 3}
    assert again.payload["ihp_clicks"] == {str(task): 0}
