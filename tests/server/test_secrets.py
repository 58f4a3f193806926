"""Tokens, passwords and masks stay out of logs, answers and files."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.trouble_servers import place

from .stand_in import CAPTURES, StandInParser, capture

TOKEN = "0123456789abcdef0123456789abcdef01234567"


def test_nothing_secret_is_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = {TOKEN}
    for path in sorted(CAPTURES.glob("*.json")):
        exchange = json.loads(path.read_text())
        if exchange["method"] != "POST":
            continue
        request = exchange["request"]
        if isinstance(request.get("project"), dict):
            secrets.add(request["project"]["token"])
        assert client.post(exchange["path"], json=request).status_code < 300
    assert len(secrets) > 1
    for secret in secrets:
        assert secret not in caplog.text
        assert secret not in client.get("/status").get_data(as_text=True)
    assert max(len(line) for line in caplog.text.splitlines()) < 1000


def test_a_signed_address_that_fails_is_told_without_its_signature(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    body = capture("10")["request"]
    body["tasks"][0]["data"]["image"] = "https://user:hunter2@bucket.example/missing.jpg?X-Amz-Signature=abc123"
    answer = client.post("/predict", json=body).get_data(as_text=True)
    status = client.get("/status").get_data(as_text=True)
    assert "bucket.example/missing.jpg" in answer
    for text in (answer, status, caplog.text):
        assert "abc123" not in text
        assert "hunter2" not in text


def test_a_label_studio_that_is_not_reached_is_told_with_its_cause(
    tmp_path: Path, parser: StandInParser, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with place(tmp_path) as at:
        url = at.server(certificate=at.certificate()).url.replace("http://", "https://somebody:hunter2@")
        variables = {"LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": TOKEN, "IHP_DATA_DIR": str(tmp_path / "data")}
        client = create_app(cast(Any, parser), ServerSettings.from_environment(variables)).test_client()
        body = capture("10")["request"]
        body["tasks"][0]["data"]["image"] = "/data/upload/1/a.jpg"
        answer = client.post("/predict", json=body).get_data(as_text=True)
        status = client.get("/status").get_data(as_text=True)
        page = client.get("/status", headers={"Accept": "text/html"}).get_data(as_text=True)
    for text in (answer, status, page):
        assert "its certificate is not trusted here (self-signed)" in text
        assert "set REQUESTS_CA_BUNDLE to a file" in text
    for text in (answer, status, page, caplog.text):
        assert not any(secret in text for secret in ("hunter2", "somebody", TOKEN))


def test_events_are_stored_without_tokens(client: FlaskClient, tmp_path: Path) -> None:
    event = capture("40")["request"]
    event["access_token"] = TOKEN
    event["project"].update(task_data_login="someone", task_data_password="hunter2")
    assert client.post("/webhook", json=event).status_code == 201
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("events.sqlite*"))
    assert b"ANNOTATION_CREATED" in stored
    for secret in (TOKEN, event["project"]["token"], "someone", "hunter2"):
        assert secret.encode() not in stored
