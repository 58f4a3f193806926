"""Tokens, passwords and masks stay out of logs, answers and files."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flask.testing import FlaskClient

from ihp_backend.finetuning.ingest import ingest
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.mask_pictures import mask_data_urls
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.parsing import Parse
from ihp_backend.server.app import create_app
from ihp_backend.server.log_lines import JsonLines, TextLines
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.image_server import sends
from tests.label_studio.trouble_servers import place

from .stand_in import CAPTURES, StandInParser, capture, photograph
from .wild_bodies import AnyLabelsParser, application, each_place
from .written_log import written_by

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


@pytest.mark.parametrize("formatter", [TextLines(), JsonLines()], ids=["text", "json"])
def test_no_line_at_any_level_has_a_secret_or_a_picture(
    tmp_path: Path, parser: StandInParser, formatter: logging.Formatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> bytes:
        raise RuntimeError("no way to http://somebody:hunter2@127.0.0.1/a.jpg?X-Amz-Signature=abc123")

    credential = {"studio": {"secret": "a-secret-of-the-backend", "rights": ["predict", "teach", "look"]}}
    (tmp_path / "credentials.json").write_text(json.dumps(credential))
    headers = {"Authorization": "Bearer a-secret-of-the-backend"}
    picture = base64.b64encode(photograph(shade=77)).decode()
    with place(tmp_path) as at, written_by(formatter) as written:
        url = at.server(sends(photograph(), "image/jpeg")).url
        variables = {
            "LABEL_STUDIO_URL": url.replace("http://", "http://somebody:hunter2@"),
            "LABEL_STUDIO_API_KEY": TOKEN,
            "IHP_CREDENTIALS_FILE": str(tmp_path / "credentials.json"),
            "IHP_DATA_DIR": str(tmp_path / "data"),
        }
        client = create_app(cast(Any, parser), ServerSettings.from_environment(variables)).test_client()
        setup = {**capture("01")["request"], "hostname": url, "access_token": "another-token-of-label-studio"}
        assert client.post("/setup", json=setup, headers=headers).status_code == 200
        drawn = capture("27")["request"]
        for address in (
            "/data/upload/1/a.jpg",
            f"{url}/a.jpg?X-Amz-Signature=abc123",
            f"data:image/jpeg;base64,{picture}",
        ):
            drawn["tasks"][0]["data"]["image"] = address
            (item,) = client.post("/predict", json=drawn, headers=headers).get_json()["results"]
            assert item["result"]
        monkeypatch.setattr(ImageSource, "fetch", fail)
        drawn["tasks"][0]["data"]["image"] = "/data/upload/1/b.jpg"
        assert "error" in client.post("/predict", json=drawn, headers=headers).get_json()["results"][0]
        assert client.get("/status", headers={"Authorization": "Bearer wrong-secret-of-nobody"}).status_code == 401
    log = written.getvalue()
    for shown in ("no way to http://127.0.0.1/a.jpg?...", "answered 401"):
        assert shown in log
    (rle,) = [one["value"]["rle"] for one in drawn["tasks"][0]["drafts"][0]["result"] if "rle" in one["value"]][:1]
    secrets = (
        "hunter2",
        "somebody",
        TOKEN,
        "another-token",
        "a-secret-of",
        "wrong-secret",
        "abc123",
        "Bearer",
        picture[:30],
    )
    for secret in (*secrets, str(rle[:12])[1:-1], ",".join(map(str, rle[:12]))):
        assert secret not in log


MASK = mask_data_urls((np.hypot(*np.mgrid[-30:30, -40:40]) < 25).astype(np.uint8), [1])[1]
RLE = encode(np.hypot(*np.mgrid[-30:30, -40:40]) < 25)


@pytest.mark.parametrize(
    "secret",
    [
        f"{MASK} http://somebody:hunter2@host/a.jpg?X-Amz-Signature=abc123 s3://somebody:hunter2@bucket/a.jpg?versionId="
        "abc123 postgresql://somebody:hunter2@db/ihp?key=abc123",
        RLE,
    ],
    ids=["text", "RLE"],
)
def test_wherever_a_secret_or_a_mask_stands_no_line_has_it(tmp_path: Path, secret: Any) -> None:
    """In each kind of place of each request, at every level, in both forms; and where events are taken in."""
    app = application(tmp_path, NothingFound())
    with written_by(TextLines()) as text, written_by(JsonLines()) as lines:
        for route, _, body in each_place(secret):
            app.test_client().post(route, data=body, content_type="application/json")
        here = app.extensions["ihp_backend"]
        ingest(here.inbox, here.workspace.annotation_store)
        app.test_client().get("/status", headers={"Accept": "text/html"})
    log = text.getvalue() + lines.getvalue()
    assert "answered" in log
    picture = MASK.partition(",")[2]
    told = [
        line[max(line.index(hidden) - 300, 0) :][:600]
        for hidden in ("hunter2", "somebody", "abc123", picture[:24], picture[40:64], str(RLE[10:22])[1:-1])
        for line in log.splitlines()
        if hidden in line
    ]
    assert told == []


class NothingFound(AnyLabelsParser):
    """A stand-in that takes no time."""

    def parse(self, scene: Any, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        return Parse(np.zeros((scene.height, scene.width), np.uint8), np.full(256, 0.75, np.float32))


def test_events_are_stored_without_tokens(client: FlaskClient, tmp_path: Path) -> None:
    event = capture("40")["request"]
    event["access_token"] = TOKEN
    event["project"].update(task_data_login="someone", task_data_password="hunter2")
    assert client.post("/webhook", json=event).status_code == 201
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("events.sqlite*"))
    assert b"ANNOTATION_CREATED" in stored
    for secret in (TOKEN, event["project"]["token"], "someone", "hunter2"):
        assert secret.encode() not in stored
