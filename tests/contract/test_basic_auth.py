"""The real Label Studio behind a reverse proxy with basic auth."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageSource

from .installation import Installation, Project

pytestmark = pytest.mark.label_studio

LOGIN = f"Basic {base64.b64encode(b'somebody:p@ss').decode()}"


@pytest.fixture
def closed(installation: Installation) -> Iterator[str]:
    """The address of a proxy that passes on what comes with the login, header fields and all."""

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.headers.get("Authorization") != LOGIN:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="closed"')
                self.end_headers()
                return
            with requests.Session() as session:
                session.trust_env = False
                url, fields = installation.client.url + self.path, dict(self.headers)
                answer = session.request(self.command, url, headers=fields, data=body, timeout=60)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", ""))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def settings(url: str, token: str, login: str = "somebody:p%40ss") -> ImageSettings:
    return ImageSettings(label_studio_url=url.replace("//", f"//{login}@"), label_studio_api_key=token)


def test_a_legacy_token_and_the_login(installation: Installation, project: Project, closed: str) -> None:
    given = settings(closed, installation.account.token)
    assert "KeyPointLabels" in LabelStudio(given).project(project.id)["label_config"]
    address = project.tasks[0]["data"]["image"]
    assert ImageSource(given).fetch(address) == (PHOTOGRAPHS / "grace_hopper.jpg").read_bytes()
    # Without a token the proxy lets it through, and Label Studio does not.
    with pytest.raises(ApiError, match="status 401; set LABEL_STUDIO_API_KEY"):
        LabelStudio(settings(closed, "")).project(project.id)


def test_what_is_said_where_that_cannot_be(
    installation: Installation, project: Project, closed: str, personal_access_token: str
) -> None:
    for given, cure in (
        (settings(closed, installation.account.token, "somebody:wrong"), "correct the user and the password"),
        (settings(closed, personal_access_token), "set LABEL_STUDIO_API_KEY to a legacy token"),
    ):
        with pytest.raises(ApiError, match=cure):
            LabelStudio(given).project(project.id)
