"""Who may do what: the file, the header, and every path behind it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.backend_settings import SettingsError
from ihp_backend.server.app import create_app
from ihp_backend.server.credentials import RIGHTS, Credential, read_credentials, shown_by
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture

STUDIO = Credential("label studio", "s" * 20, frozenset({"predict", "teach"}))
LOOKER = Credential("monitoring", "geheim-und-lang-genug", frozenset({"look"}))


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture
def guarded(tmp_path: Path) -> FlaskClient:
    settings = ServerSettings(data_dir=tmp_path / "data", credentials=(STUDIO, LOOKER))
    return create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages())).test_client()


def ask(client: FlaskClient, path: str, authorization: str | None) -> int:
    headers = {"Authorization": authorization} if authorization else {}
    if path in ("/status", "/metrics"):
        return client.get(path, headers=headers).status_code
    bodies = {"/predict": capture("05")["request"], "/setup": {"project": "1.1", "schema": "<View/>"}}
    body = bodies.get(path, capture("40")["request"])
    return client.post(path, json=body, headers=headers).status_code


@pytest.mark.parametrize("path", sorted(RIGHTS))
def test_each_path_needs_its_right(guarded: FlaskClient, path: str) -> None:
    for authorization in (None, "Bearer wrong", basic("label studio", LOOKER.secret), "Basic %%%", "Digest x"):
        assert ask(guarded, path, authorization) == 401
    for credential in (STUDIO, LOOKER):
        for shown in (credential.bearer(), basic(credential.name, credential.secret)):
            status = ask(guarded, path, shown)
            assert (status == 403) == (RIGHTS[path] not in credential.rights)
            assert status in (200, 201, 403)


def test_health_stays_open_and_an_answer_says_what_is_wanted(guarded: FlaskClient) -> None:
    assert guarded.get("/health").status_code == 200
    answer = guarded.get("/status")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.get_json()["error"]["remedy"].endswith("of an entry of IHP_CREDENTIALS_FILE")
    refused = guarded.get("/status", headers={"Authorization": STUDIO.bearer()}).get_json()["error"]
    assert (refused["value"], "add 'look' to its rights" in refused["remedy"]) == ("label studio", True)


def test_a_refused_event_is_not_recorded(guarded: FlaskClient) -> None:
    assert ask(guarded, "/webhook", LOOKER.bearer()) == 403
    assert guarded.get("/status", headers={"Authorization": LOOKER.bearer()}).get_json()["events_recorded"] == 0


@given(st.text() | st.sampled_from(["Basic", "bearer ", "Basic OjpzOg=="]))
def test_no_header_is_taken_by_chance(header: str) -> None:
    assert shown_by(header, [STUDIO, LOOKER]) is None


def test_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"label studio": {"secret": STUDIO.secret, "rights": ["predict", "teach"]}}))
    assert read_credentials(file) == (STUDIO,)
    settings = ServerSettings.from_environment({"IHP_CREDENTIALS_FILE": str(file)})
    assert settings.credentials == (STUDIO,)
    assert STUDIO.secret not in repr(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("{}", "lists nobody"),
        ('{"a:b": {"secret": "0123456789abcdef", "rights": ["look"]}}', "name 'a:b' is empty or has a colon"),
        ('{"a": {"secret": "short", "rights": ["look"]}}', "the secret of 'a' is not 16 or more ASCII characters"),
        ('{"a": {"secret": "0123456789abcdeé", "rights": ["look"]}}', "ASCII"),
        ('{"a": {"secret": "0123456789abcdef ", "rights": ["look"]}}', "without blanks"),
        (
            '{"a": {"secret": "0123456789abcdef", "rights": ["look"]},'
            ' "b": {"secret": "0123456789abcdef", "rights": ["teach"]}}',
            "two names have the same secret",
        ),
        ('{"a": {"secret": "0123456789abcdef", "rights": ["fly"]}}', "choose some of look, predict, teach"),
        ('{"a": "0123456789abcdef"}', "the secret of 'a'"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_a_secret(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(text)
    with pytest.raises(SettingsError) as wrong:
        ServerSettings.from_environment({"IHP_CREDENTIALS_FILE": str(file)})
    assert said in str(wrong.value)
    assert "0123456789abc" not in str(wrong.value)
    assert "IHP_CREDENTIALS_FILE" in str(wrong.value)
