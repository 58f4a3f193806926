"""What a webhook answers when its event cannot be stored."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from flask.testing import FlaskClient

from ihp_backend.storage.database import Database

from .stand_in import capture


@pytest.mark.parametrize(("error", "status"), [("database or disk is full", 507), ("disk I/O error", 503)])
def test_no_event_is_acknowledged_that_is_not_stored(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: str, status: int
) -> None:
    def fail(*_: Any) -> Any:
        raise sqlite3.OperationalError(error)

    with monkeypatch.context() as broken:
        broken.setattr(Database, "_connect", fail)
        answer = client.post("/webhook", json=capture("40")["request"])
        assert client.get("/status").status_code == status
    assert answer.status_code == status
    assert answer.get_json()["error"]["field"] == "inbox"
    assert answer.get_json()["error"]["value"] == "event not stored"
    assert error in answer.get_json()["error"]["remedy"]
    assert client.get("/status").get_json()["events_recorded"] == 0
    assert client.post("/webhook", json=capture("40")["request"]).status_code == 201
