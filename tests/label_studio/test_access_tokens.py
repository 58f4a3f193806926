"""Tokens of both kinds, the life of access tokens, and what the settings take from the environment."""

from __future__ import annotations

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.label_studio.web.access_tokens import AccessTokens
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
        ({"LABEL_STUDIO_URL": "localhost:8080"}, {}, "label_studio_url: 'localhost:8080' is no absolute address"),
        ({"IHP_LOCAL_FILES_ROOT": "/no/such/folder"}, {}, "local_files_root: /no/such/folder is no folder"),
        ({"IHP_ALLOW_PRIVATE_ADDRESSES": "yes"}, {}, "IHP_ALLOW_PRIVATE_ADDRESSES: 'yes' is neither"),
        ({}, {"max_bytes": 0}, "max_bytes: 0 is not positive"),
        ({}, {"read_seconds": float("nan")}, "read_seconds: nan is not positive"),
    ],
)
def test_settings_refused(environment: dict[str, str], explicit: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ImageSettings.from_environment(environment, **explicit)
