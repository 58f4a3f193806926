"""Every route: an answer of the protocol or an error that names the field, and never an error of the server."""

from __future__ import annotations

import json
from random import Random
from typing import Any, cast
from urllib.parse import quote

import pytest
from flask import Flask

from ihp_backend.server.app import create_app
from ihp_backend.server.credentials import Credential
from ihp_backend.server.server_settings import ServerSettings
from tests.server.stand_in import StandInImages, StandInParser, capture
from tests.server.wild_bodies import (
    ROUTES,
    AnyLabelsParser,
    Storm,
    aftermath,
    encoded,
    mutated,
    no_constant,
    wild_value,
)

from .inputs import CHANCES, real_bodies, wild

PATHS = ("/", "/health", "/versions", "/status", "/metrics", "/predict", "/setup", "/webhook", "/favicon.ico", "/x")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    parser: Any = AnyLabelsParser()
    settings = ServerSettings(data_dir=tmp_path_factory.mktemp("data"))
    return create_app(parser, settings, images=cast(Any, StandInImages()))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    somebody = Credential("somebody", "a-secret-of-somebody", frozenset({"predict", "look"}))
    settings = ServerSettings(data_dir=tmp_path_factory.mktemp("guarded"), credentials=(somebody,))
    return create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages()))


@wild("bodies", CHANCES)
def test_bodies(app: Flask, chance: Random) -> None:
    route = chance.choice(ROUTES)
    requests = real_bodies()[route if chance.random() < 0.95 else chance.choice(ROUTES)]
    storm = Storm()
    storm.send(app, route, encoded(mutated(chance.choice(requests), chance), chance))
    assert storm.failures == []


def test_the_server_is_as_before(app: Flask) -> None:
    """After the bodies: what was stored can be read and taken in."""
    aftermath(app)


def text(chance: Random) -> str:
    """A header's value, as far as HTTP servers hand it on: any bytes but line breaks."""
    kind = chance.random()
    if kind < 0.3:
        return "".join(
            chance.choices([chr(code) for code in range(256) if code not in (0, 10, 13)], k=chance.randrange(30))
        )
    words = [
        "Basic ",
        "Bearer ",
        "Og==",
        "é",
        "gzip",
        "text/html",
        "application/json",
        ";q=",
        "1e9",
        "nan",
        "-1",
        ",",
        "*/*",
    ]
    words += [
        "charset=",
        "utf-7",
        "=",
        '"',
        "\\",
        "0x10",
        "9" * 400,
        "chunked",
        "bytes=0-",
        "*",
        ";",
        " ",
        "\t",
        "multipart/form-data; boundary=",
    ]
    return "".join(chance.choices(words, k=chance.randrange(6)))


HEADERS = (
    *(
        "Authorization",
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Content-Type",
        "X-Request-ID",
        "Cookie",
        "Host",
    ),
    *("Content-Encoding", "Range", "If-None-Match", "If-Modified-Since", "X-Forwarded-For", "Content-Length", "Expect"),
)


@wild("headers", CHANCES)
def test_headers(app: Flask, guarded: Flask, chance: Random) -> None:
    headers = [(name, text(chance)) for name in chance.choices(HEADERS, k=chance.choice([1, 2, 4]))]
    if chance.random() < 0.5:
        headers.append(("Content-Type", "application/json"))
    path, method = chance.choice(PATHS), chance.choice(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "WILD"])
    data = json.dumps(capture("10")["request"]).encode() if path == "/predict" else b"{}"
    environ = {} if chance.random() < 0.9 else {"REMOTE_ADDR": chance.choice(["10.0.0.1", "", "::", "é"])}
    client = chance.choice([app, guarded]).test_client()
    answer = client.open(path, method=method, headers=headers, data=data, environ_overrides=environ)
    assert answer.status_code < 500, (path, method, headers)
    if answer.status_code >= 400 and method != "HEAD":
        assert set(answer.get_json()["error"]) == {"field", "value", "remedy"}
    assert "a-secret-of-somebody" not in answer.get_data(as_text=True)


@wild("queries", CHANCES)
def test_queries(app: Flask, chance: Random) -> None:
    value = wild_value(chance)
    told = (value if isinstance(value, str) else json.dumps(value))[:5000].encode("utf-8", "surrogatepass")
    path = chance.choice(
        ["/status?project=", "/status?", "/versions?", "/metrics?", "/health?", "/apple-touch-icon", "/"]
    )
    accepts = {"Accept": chance.choice(["text/html", "application/json", "*/*"])}
    answer = app.test_client().get(
        path + (quote(told) if chance.random() < 0.7 else told.decode("latin-1")), headers=accepts
    )
    assert answer.status_code < 500
    if answer.is_json:
        json.loads(answer.get_data(), parse_constant=no_constant)
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_what_a_query_says_is_no_part_of_the_page(app: Flask) -> None:
    answer = app.test_client().get("/status?project=<script>alert(1)</script>", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)
