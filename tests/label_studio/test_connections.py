"""Every failure of a request names its own cause and the setting that cures it, for photographs and for the API."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.api.prediction_api import PredictionApi
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageFetchError, ImageSource

from .image_server import IMAGE, ImageServer, sends, wants, web_token
from .trouble_servers import Place, free_port, place
from .troubles import API_TROUBLES, BASIC, LEGACY, PASSWORD, TROUBLES, Trouble


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as found:
        yield found


def settings(trouble: Trouble, at: Place, monkeypatch: pytest.MonkeyPatch) -> ImageSettings:
    url, variables = trouble.make(at)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    made = ImageSettings.from_environment({"LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": trouble.token})
    return replace(made, connect_seconds=5, read_seconds=5)


def must_say(trouble: Trouble, said: str) -> None:
    found, semicolon, remedy = said.partition("; ")
    assert semicolon
    assert trouble.found in found
    assert trouble.remedy in remedy
    assert ("start Label Studio" in said) == (trouble.name == "refused")
    assert PASSWORD not in said
    assert trouble.token not in said


@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
def test_of_a_photograph(trouble: Trouble, at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    images = ImageSource(settings(trouble, at, monkeypatch))
    with pytest.raises(ImageFetchError) as caught:
        images.fetch("/data/upload/1/a.jpg")
    must_say(trouble, str(caught.value))


@pytest.mark.parametrize("trouble", [*TROUBLES, *API_TROUBLES], ids=str)
def test_of_the_api(trouble: Trouble, at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(trouble, at, monkeypatch)
    client = LabelStudio(given, pauses=())
    for ask in (client.project, lambda project: next(PredictionApi(client).tasks(project, "v"))):
        with pytest.raises(ApiError) as caught:
            ask("1")
        must_say(trouble, str(caught.value))


def test_a_label_studio_that_told_its_own_address_runs(at: Place) -> None:
    with pytest.raises(ImageFetchError, match="nobody listens there; set LABEL_STUDIO_URL to") as caught:
        ImageSource(ImageSettings()).fetch("/a.jpg", hostname=f"http://127.0.0.1:{free_port()}", access_token=LEGACY)
    assert "start" not in str(caught.value)


def test_what_does_not_pass_is_not_asked_again(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    (self_signed,) = (trouble for trouble in TROUBLES if trouble.name == "self-signed")
    with pytest.raises(ApiError, match="REQUESTS_CA_BUNDLE"):
        LabelStudio(settings(self_signed, at, monkeypatch), pauses=(300.0,)).get("/api/x")


def test_a_trusted_certificate_and_a_proxy_with_a_login(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = at.certificate("DNS:studio.example")
    server = at.server(sends(), certificate)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("HTTPS_PROXY", at.proxy("somebody:p@ss").replace("//", "//somebody:p%40ss@"))
    url = f"https://studio.example:{server.server_address[1]}"
    assert ImageSource(ImageSettings(label_studio_url=url, label_studio_api_key=LEGACY)).fetch("/a.jpg") == IMAGE
    assert server.asked[0].authorization == f"Token {LEGACY}"


def test_a_trusted_certificate_for_the_name(at: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is made to the address that was checked, and the certificate is for the name."""
    certificate = at.certificate("DNS:localhost")
    url = f"https://localhost:{at.server(sends(), certificate).server_address[1]}"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert ImageSource(ImageSettings(label_studio_url=url)).fetch("/a.jpg") == IMAGE


def test_proxies_that_are_gone_round(label_studio: ImageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    label_studio.routes["/a.jpg"] = sends()
    monkeypatch.setenv("HTTP_PROXY", "http://no-such-proxy.invalid:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ImageSource(ImageSettings(label_studio_url=label_studio.url)).fetch("/a.jpg") == IMAGE


def with_login(server: ImageServer, **more: Any) -> ImageSettings:
    return ImageSettings(label_studio_url=server.url.replace("//", "//somebody:p%40ss@"), **more)


def test_basic_auth_in_front_and_a_legacy_token(label_studio: ImageServer) -> None:
    """As Label Studio's XApiKeySupportMiddleware has it, X-Api-Key stands for the token."""
    login = f"Basic {base64.b64encode(b'somebody:p@ss').decode()}"
    label_studio.routes["/a.jpg"] = wants(login, sends())
    label_studio.routes["/other"] = wants(login, BASIC)
    images = ImageSource(with_login(label_studio, label_studio_api_key=LEGACY))
    assert images.fetch("/a.jpg") == IMAGE
    assert label_studio.asked[0].headers["x-api-key"] == LEGACY
    assert ImageSource(with_login(label_studio)).fetch("/a.jpg") == IMAGE
    assert "x-api-key" not in label_studio.asked[1].headers


def test_a_login_and_a_personal_access_token(label_studio: ImageServer) -> None:
    """The exchange takes both; what follows has one header for two."""
    token, access = web_token(token_type="refresh"), web_token(token_type="access")
    exchanged = sends(f'{{"access": "{access}"}}'.encode(), "application/json")
    login = f"Basic {base64.b64encode(b'somebody:p@ss').decode()}"
    label_studio.routes["/api/token/refresh/"] = wants(login, exchanged)
    label_studio.routes["/a.jpg"] = wants(f"Bearer {access}")
    assert ImageSource(with_login(label_studio, label_studio_api_key=token)).fetch("/a.jpg") == IMAGE


def test_a_login_goes_to_label_studio_only(label_studio: ImageServer, elsewhere: ImageServer) -> None:
    elsewhere.routes["/a.jpg"] = sends()
    given = with_login(label_studio, label_studio_api_key=LEGACY, allow_private_addresses=True)
    assert ImageSource(given).fetch(elsewhere.url + "/a.jpg") == IMAGE
    assert not {"authorization", "x-api-key"} & set(elsewhere.asked[0].headers)


def test_a_token_handed_over_that_is_no_header(label_studio: ImageServer) -> None:
    for token in ("a\r\nHost: b", "café", "eyJhbGci.cut"):
        with pytest.raises(ImageFetchError, match=r"Label Studio handed over .*LABEL_STUDIO_API_KEY") as no:
            ImageSource(ImageSettings()).fetch("/a.jpg", hostname=label_studio.url, access_token=token)
        assert token not in str(no.value)
    assert label_studio.asked == []
