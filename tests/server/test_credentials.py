"""Who may do what: the file, the header, and every path behind it."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from ihp_backend.cli import app
from ihp_backend.label_studio.backend_settings import SettingsError
from ihp_backend.server.app import create_app
from ihp_backend.server.credentials import (
    ADMINISTER,
    OPEN,
    RIGHTS,
    Credential,
    read_credentials,
    shown_by,
    write_credentials,
)
from ihp_backend.server.project_access import Access
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.server.state import EXTENSION

from .stand_in import StandInImages, StandInParser, capture

STUDIO = Credential("label studio", "s" * 20, frozenset({"predict", "teach"}))
LOOKER = Credential("monitoring", "geheim-und-lang-genug", frozenset({"look"}))
ADMINISTRATOR = Credential("administrator", "a" * 20, frozenset({"predict", "administer"}))


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture
def application(tmp_path: Path) -> Flask:
    settings = ServerSettings(data_dir=tmp_path / "data", credentials=(STUDIO, LOOKER, ADMINISTRATOR))
    return create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages()))


@pytest.fixture
def guarded(application: Flask) -> FlaskClient:
    return application.test_client()


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


def test_a_path_that_nobody_thought_of_is_closed(application: Flask) -> None:
    application.add_url_rule("/new", view_func=lambda: "")
    client = application.test_client()
    assert client.get("/new").status_code == 401
    assert client.get("/new", headers={"Authorization": STUDIO.bearer()}).status_code == 403
    assert client.get("/new", headers={"Authorization": ADMINISTRATOR.bearer()}).status_code == 200
    assert client.get("/nowhere").status_code == 404
    assert {*RIGHTS, *OPEN, "/new"} == {rule.rule for rule in application.url_map.iter_rules()}


def test_only_who_may_administer_says_where_label_studio_is(application: Flask, guarded: FlaskClient) -> None:
    body = {"project": "1.1", "schema": "<View/>", "hostname": "http://elsewhere.example", "access_token": "a" * 40}
    access = application.extensions[EXTENSION].access
    told = guarded.post("/setup", json=body, headers={"Authorization": STUDIO.bearer()})
    assert (told.status_code, access.of("1")) == (200, Access())
    (noted,) = (
        error
        for error in guarded.get("/status", headers={"Authorization": LOOKER.bearer()}).get_json()["errors"]
        if error["field"] == "hostname, access_token"
    )
    assert "LABEL_STUDIO_URL" in noted["remedy"]
    guarded.post("/setup", json=body, headers={"Authorization": ADMINISTRATOR.bearer()})
    assert access.of("1") == Access("http://elsewhere.example", "a" * 40)
    guarded.post("/setup", json={**body, "hostname": "http://evil"}, headers={"Authorization": STUDIO.bearer()})
    assert access.of("1").hostname == "http://elsewhere.example"


def test_health_stays_open_and_an_answer_says_what_is_wanted(guarded: FlaskClient) -> None:
    assert guarded.get("/health").get_json() == {"status": "UP", "model_class": "IHPBackend"}
    answer = guarded.get("/status")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.get_json()["error"]["remedy"].endswith("of an entry of IHP_CREDENTIALS_FILE")
    refused = guarded.get("/status", headers={"Authorization": STUDIO.bearer()}).get_json()["error"]
    assert (refused["value"], "add 'look' to its rights" in refused["remedy"]) == ("label studio", True)


def test_a_refused_event_is_not_recorded(guarded: FlaskClient) -> None:
    assert ask(guarded, "/webhook", LOOKER.bearer()) == 403
    assert guarded.get("/status", headers={"Authorization": LOOKER.bearer()}).get_json()["events_recorded"] == 0


@given(
    st.text()
    | st.sampled_from(["Basic", "bearer ", "Basic OjpzOg=="])
    | st.builds("{}{}".format, st.sampled_from(["Basic ", "bearer "]), st.text())
)
@example("Basic \xe9")
def test_no_header_is_taken_by_chance(header: str) -> None:
    assert shown_by(header, [STUDIO, LOOKER]) is None


def test_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({"label studio": {"secret": STUDIO.secret, "rights": ["predict", "teach"]}}))
    file.chmod(0o640)
    assert read_credentials(file) == (STUDIO,)
    assert "is open to other users of this machine (640); chmod 600 closes it" in caplog.text
    caplog.clear()
    file.chmod(0o600)
    assert read_credentials(file) == (STUDIO,)
    assert not caplog.text
    settings = ServerSettings.from_environment({"IHP_CREDENTIALS_FILE": str(file)})
    assert settings.credentials == (STUDIO,)
    assert STUDIO.secret not in repr(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 5000, "is no JSON"),
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
        (
            '{"a": {"secret": "0123456789abcdef", "rights": ["look"]},'
            ' "a": {"secret": "0123456789abcdeg", "rights": ["teach"]}}',
            "'a' stands there twice",
        ),
        ('{"a": {"secret": "0123456789abcdef", "rights": ["fly"]}}', "choose some of predict, teach, look, administer"),
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


def test_a_file_is_made_once_for_its_owner_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "credentials.json"
    made = CliRunner().invoke(app, ["credentials", "--file", str(file)])
    assert made.exit_code == 0, made.output
    credentials = read_credentials(file)
    assert {one.name: one.rights for one in credentials} == {
        "label studio": {"predict", "teach", ADMINISTER},
        "monitoring": {"look"},
    }
    assert (stat.S_IMODE(file.stat().st_mode), caplog.text) == (0o600, "")
    assert f"IHP_CREDENTIALS_FILE={file}" in made.output
    assert not [one.name for one in credentials if one.secret in made.output]
    again = CliRunner().invoke(app, ["credentials", "--file", str(file)])
    assert (again.exit_code, read_credentials(file)) == (1, credentials)
    assert "is there already" in again.output
    other = write_credentials(tmp_path / "other.json")
    assert not {one.secret for one in other} & {one.secret for one in credentials}


def test_by_default_it_lies_in_the_data_folder(tmp_path: Path) -> None:
    made = CliRunner().invoke(
        app, ["credentials", "--data-dir", str(tmp_path / "data")], env={"IHP_CREDENTIALS_FILE": ""}
    )
    assert made.exit_code == 0, made.output
    assert len(read_credentials(tmp_path / "data" / "credentials.json")) == 2
    with pytest.raises(SettingsError, match="does not exist; ihp credentials makes it"):
        ServerSettings.from_environment({"IHP_CREDENTIALS_FILE": str(tmp_path / "none.json")})


def test_the_log_says_who_lacks_which_right(guarded: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(guarded, "/webhook", LOOKER.bearer()) == 403
    assert ask(guarded, "/webhook", "Bearer wrong-0123456789abcdef") == 401
    told = [record.getMessage() for record in caplog.records if "Authorization" in record.getMessage()]
    assert f"({LOOKER.name}; add 'teach' to its rights in IHP_CREDENTIALS_FILE, which /webhook needs)" in told[0]
    assert "(a wrong credential; " in told[1]
    assert "0123456789abcdef" not in "".join(told)
