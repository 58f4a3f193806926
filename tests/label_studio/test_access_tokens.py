"""Tokens of both kinds, the life of access tokens, and what the settings take from the environment."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.web.access_tokens import AccessTokens, cleaned_token, why_no_token
from ihp_backend.label_studio.web.image_errors import ImageFetchError
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress

from .image_server import web_token

PERSONAL = web_token(token_type="refresh", exp=9_999_999_999)


def studio(token: str | None, base: str = "http://host/ls") -> LabelStudioAddress:
    return LabelStudioAddress(base, token, configured=True)


class Exchange:
    """Stands for Label Studio's route; counts, and gives numbered access tokens of a chosen life."""

    def __init__(self, life: int | None = 300, skew: int = 0) -> None:
        self.urls: list[str] = []
        self.bodies: list[dict[str, str]] = []
        self.claims = {} if life is None else {"iat": 1_700_000_000 + skew, "exp": 1_700_000_000 + skew + life}

    def __call__(self, address: LabelStudioAddress, url: str, body: dict[str, str]) -> tuple[int, bytes]:
        self.urls.append(url)
        self.bodies.append(body)
        return 200, json.dumps({"access": web_token(token_type="access", n=len(self.urls), **self.claims)}).encode()


def test_kinds_of_tokens() -> None:
    exchange = Exchange()
    tokens = AccessTokens(exchange)
    access = web_token(token_type="access")
    assert tokens.header(studio(None)) == {}
    assert tokens.header(studio("0123abcd" * 5)) == {"Authorization": "Token " + "0123abcd" * 5}
    assert tokens.header(studio("with.two.dots")) == {"Authorization": "Token with.two.dots"}
    assert tokens.header(studio(access)) == {"Authorization": f"Bearer {access}"}
    assert exchange.urls == []
    assert tokens.header(studio(PERSONAL))["Authorization"].startswith("Bearer ey")
    assert exchange.urls == ["http://host/ls/api/token/refresh/"]
    assert exchange.bodies == [{"refresh": PERSONAL}]


@pytest.mark.parametrize(("life", "kept_until"), [(300, 270), (40, 30), (None, 210)])
@pytest.mark.parametrize("skew", [0, -100_000, 100_000])
def test_access_tokens_are_renewed_before_their_end(life: int | None, kept_until: int, skew: int) -> None:
    now = [50.0]
    exchange = Exchange(life, skew)
    tokens = AccessTokens(exchange, clock=lambda: now[0])
    first = tokens.header(studio(PERSONAL))
    now[0] = 50 + kept_until - 0.1
    assert tokens.header(studio(PERSONAL)) == first
    now[0] = 50 + kept_until
    assert tokens.header(studio(PERSONAL)) != first
    assert len(exchange.urls) == 2


def test_every_label_studio_and_token_has_its_own() -> None:
    exchange = Exchange()
    tokens = AccessTokens(exchange)
    headers = [tokens.header(studio(PERSONAL, base)) for base in ("http://a", "http://b", "http://a")]
    assert headers[0] == headers[2] != headers[1]
    for number in range(100):
        tokens.header(studio(web_token(token_type="refresh", n=number)))
    assert len(tokens._kept) <= 32


def test_renew_forgets_only_the_refused_token() -> None:
    tokens = AccessTokens(Exchange())
    first = tokens.header(studio(PERSONAL))
    assert tokens.renew(studio(PERSONAL), first)
    second = tokens.header(studio(PERSONAL))
    assert second != first
    assert tokens.renew(studio(PERSONAL), first), "another thread has renewed it: try again"
    assert tokens.header(studio(PERSONAL)) == second
    assert not tokens.renew(studio("0" * 40), {"Authorization": "Token " + "0" * 40})


def test_many_threads_cause_one_exchange() -> None:
    exchange = Exchange()
    barrier = threading.Barrier(8)

    def slow(*arguments: Any) -> tuple[int, bytes]:
        time.sleep(0.05)
        return exchange(*arguments)

    tokens = AccessTokens(slow)

    def ask(_: int) -> str:
        barrier.wait()
        return tokens.header(studio(PERSONAL))["Authorization"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(exchange.urls) == 1


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, b"{}", "401, Label Studio refused the personal access token .*; create a new personal access token"),
        (301, b"", "status 301 instead of an access token; check that LABEL_STUDIO_URL"),
        (200, b"<html>", "status 200 instead of an access token"),
        (200, b"[]", "status 200 instead of an access token"),
        (200, b'{"access": 1}', "status 200 instead of an access token"),
        (200, b'{"access": "a\\r\\nHost: b"}', "status 200 instead of an access token"),
    ],
)
def test_exchanges_that_fail(status: int, body: bytes, message: str) -> None:
    with pytest.raises(ImageFetchError, match=message) as caught:
        AccessTokens(lambda *_: (status, body)).header(studio(PERSONAL))
    assert PERSONAL not in str(caught.value)


def test_settings_from_the_environment(tmp_path: Path) -> None:
    settings = ImageSettings.from_environment(
        {
            "LABEL_STUDIO_URL": " http://host:8080/ls ",
            "LABEL_STUDIO_API_KEY": "key",
            "IHP_DATA_DIR": str(tmp_path),
            "IHP_LOCAL_FILES_ROOT": str(tmp_path),
            "IHP_ALLOW_PRIVATE_ADDRESSES": "1",
        },
        label_studio_api_key="explicit",
        max_bytes=5,
    )
    assert settings == ImageSettings(
        cache_dir=tmp_path / "cache" / "images",
        max_bytes=5,
        allow_private_addresses=True,
        local_files_root=tmp_path,
        label_studio_url="http://host:8080/ls",
        label_studio_api_key="explicit",
    )
    assert "explicit" not in repr(settings)
    assert (
        ImageSettings.from_environment({"LABEL_STUDIO_URL": "", "IHP_ALLOW_PRIVATE_ADDRESSES": ""}) == ImageSettings()
    )


def test_the_key_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("key\n")
    assert ImageSettings.from_environment({"LABEL_STUDIO_API_KEY_FILE": str(file)}).label_studio_api_key == "key"
    with pytest.raises(ValueError, match="token is set and LABEL_STUDIO_API_KEY too; unset one of them"):
        ImageSettings.from_environment({"LABEL_STUDIO_API_KEY_FILE": str(file), "LABEL_STUDIO_API_KEY": "other"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory); check that it exists"),
        (b" \n", "is empty; write the token into it"),
        (b"secret\xff", "is no text; write the token into it and nothing else"),
    ],
)
def test_a_file_that_holds_no_key(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=re.escape(f"LABEL_STUDIO_API_KEY_FILE: {file} {message}")) as caught:
        ImageSettings.from_environment({"LABEL_STUDIO_API_KEY_FILE": str(file)})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "explicit", "message"),
    [
        ({"LABEL_STUDIO_URL": "localhost:8080"}, {}, "'localhost:8080' is no absolute address: http:// or https:// is"),
        ({"LABEL_STUDIO_URL": "http:\\\\host"}, {}, "has a backslash; write slashes"),
        ({"LABEL_STUDIO_URL": "http:/host"}, {}, "'http:/host' does not begin with http:// or https://"),
        ({"LABEL_STUDIO_URL": "http//host"}, {}, "does not begin with http:// or https://"),
        ({"LABEL_STUDIO_URL": "https://"}, {}, "names no host"),
        ({"LABEL_STUDIO_URL": "http://a host"}, {}, "has a blank or an invisible character"),
        ({"LABEL_STUDIO_URL": "http://host:80x"}, {}, "no port that can be used"),
        ({"LABEL_STUDIO_URL": "http://host:70000"}, {}, "no port that can be used"),
        ({"LABEL_STUDIO_URL": "ab" * 20}, {}, "LABEL_STUDIO_URL: its value is no absolute address"),
        ({"IHP_LOCAL_FILES_ROOT": "/no/such/folder"}, {}, "^IHP_LOCAL_FILES_ROOT .*: /no/such/folder is no folder"),
        ({"IHP_ALLOW_PRIVATE_ADDRESSES": "yes"}, {}, "IHP_ALLOW_PRIVATE_ADDRESSES: 'yes' is neither"),
        ({}, {"max_bytes": 0}, "max_bytes: 0 is not positive"),
        ({}, {"read_seconds": float("nan")}, "read_seconds: nan is not positive"),
    ],
)
def test_settings_refused(environment: dict[str, str], explicit: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageSettings.from_environment(environment, **explicit)


LEGACY, WHOLE = "ab" * 20, web_token(token_type="refresh")


@pytest.mark.parametrize(
    ("written", "token", "left_out"),
    [
        (LEGACY, LEGACY, None),
        (f" {LEGACY}\n", LEGACY, "white space"),
        (f"\ufeff{LEGACY}", LEGACY, "white space"),
        (f"'{LEGACY}'", LEGACY, "quotes"),
        (f"“{LEGACY}”", LEGACY, "quotes"),
        (f"Token {LEGACY}", LEGACY, "'Token'"),
        (f'"bearer  {WHOLE}"', WHOLE, "quotes and 'bearer'"),
        (f"Token '{LEGACY}'", LEGACY, "'Token'"),
        (f"Authorization: Token {LEGACY}", LEGACY, "'Authorization:' and 'Token'"),
        (f'export LABEL_STUDIO_API_KEY="{LEGACY}"', LEGACY, "'export LABEL_STUDIO_API_KEY='"),
        ("tokens-may-begin-so", "tokens-may-begin-so", None),
    ],
)
def test_what_stands_around_a_token_is_left_out_and_said(
    written: str, token: str, left_out: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ImageSettings.from_environment({"LABEL_STUDIO_API_KEY": written})
    assert settings.label_studio_api_key == token
    notes = [f"LABEL_STUDIO_API_KEY: {left_out} left out, the token alone is sent"] if left_out else []
    assert [*settings.notes] == caplog.messages == notes
    assert replace(settings, max_bytes=5).notes == settings.notes
    (tmp_path / "token").write_text(written, encoding="utf-8")
    if written.isascii():
        of_file = ImageSettings.from_environment({"LABEL_STUDIO_API_KEY_FILE": str(tmp_path / "token")})
        assert of_file.label_studio_api_key == token


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('""', "is empty"),
        ("Token ", "is empty"),
        ("0123 4567", "has a blank or a line break in it (character 5 of 9)"),
        ("0123\n4567", "has a blank or a line break in it (character 5 of 9)"),
        ("0123\u00a04567", "has a blank or a line break in it (character 5 of 9)"),
        ("0123é4567", "has a character that no token has (character 5 of 9)"),
        ("0123\x004567", "has a character that no token has (character 5 of 9)"),
        ("http://label-studio:8080", "is an address and no token"),
        (WHOLE[:-1], "is not whole"),
        (WHOLE.rpartition(".")[0], "is not whole"),
        (WHOLE[:30], "is not whole"),
        (WHOLE[:3], "is not whole"),
    ],
)
def test_what_cannot_be_a_token_is_refused_without_being_told(written: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(written, encoding="utf-8")
    for variables in ({"LABEL_STUDIO_API_KEY": written}, {"LABEL_STUDIO_API_KEY_FILE": str(tmp_path / "token")}):
        with pytest.raises(ValueError, match=r"^LABEL_STUDIO_API_KEY") as caught:
            ImageSettings.from_environment(variables)
        assert "Account & Settings" in str(caught.value) or "the token into it" in str(caught.value)
        assert message in str(caught.value) or not written.isascii()
        for part in (written.strip('" '), "4567", "eyJ"):
            assert not part or part not in str(caught.value).replace("'Token'", "")


@given(st.text())
def test_every_text_is_a_header_or_refused(text: str) -> None:
    why = why_no_token(cleaned_token(text)[0])
    if why:
        assert len(text) < 8 or text not in why
    else:
        assert cleaned_token(text)[0].isprintable()
        requests.Request("GET", "http://host", headers={"X-Api-Key": cleaned_token(text)[0]}).prepare()


@pytest.mark.parametrize("written", [" http://host:8080/ls ", "'http://host:8080/ls'", '"http://host:8080/ls"\n'])
def test_what_stands_around_an_address_is_left_out_and_said(written: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = ImageSettings.from_environment({"LABEL_STUDIO_URL": written})
    assert settings.label_studio_url == "http://host:8080/ls"
    assert caplog.messages == ["LABEL_STUDIO_URL: white space or quotes around the address left out"]


def test_a_login_in_the_address_is_kept_apart() -> None:
    settings = ImageSettings(label_studio_url="https://somebody:p%40ss@host/ls/")
    assert settings.label_studio_url == "https://host/ls/"
    assert (found := settings.label_studio()) is not None
    assert (found.base, found.login) == ("https://host/ls", "somebody:p@ss")
    assert "p@ss" not in repr((settings, found))


@given(st.text(alphabet="ab1:/@#?%\\[] é", max_size=12), st.sampled_from(["", "/", "//", "http:", "http:/", "http://"]))
def test_no_password_in_what_is_said_of_an_address(around: str, scheme: str) -> None:
    """Whatever stands around it: of an address that cannot be used nothing before the last @ is told."""
    try:
        text = repr(ImageSettings(label_studio_url=f"{scheme}u{around}:HUSH@host"))
    except ValueError as error:
        text = str(error)
    assert "HUSH" not in text
