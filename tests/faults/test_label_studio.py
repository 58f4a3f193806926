"""Label Studio and storages that are down, slow or something else: each click says so, and all else goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.label_studio.web.images import ImageSource
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from tests.label_studio.image_server import Answer, drips, sends, status
from tests.label_studio.trouble_servers import Place, free_port, place, resets
from tests.server.stand_in import StandInParser, capture, photograph

from .serving import clicked

ADDRESS = "/data/upload/1/a.jpg"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path) as made:
        yield made


def backend(folder: Path, url: str) -> FlaskClient:
    """A backend that fetches from there, and waits for a second at most."""
    images = ImageSettings(
        label_studio_url=url, label_studio_api_key=TOKEN, connect_seconds=0.5, read_seconds=0.5, total_seconds=1
    )
    settings = ServerSettings(data_dir=folder / "data", images=images)
    app = create_app(cast(Any, StandInParser()), settings, images=ImageSource(images))
    return app.test_client()


def silent(connection: socket.socket) -> None:
    connection.settimeout(5)
    while connection.recv(9999):
        pass


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (None, "refused: nobody listens there"),
        (silent, "timed out"),
        (resets, "closed without an answer"),
        (drips(40, 0.05), "timed out"),
        (sends(b"<html>Log in</html>", "text/html"), "a web page, perhaps for logging in, instead of an image"),
        (sends(b"<html>Log in</html>", "image/jpeg"), "a web page and no image"),
        (sends(b"<html>502</html>", "text/html", 502), "502"),
        (sends(b"", "image/jpeg"), "the answer is empty"),
        (sends(photograph()[:50], "image/jpeg"), "cut off"),
        (status(403), "403"),
        (status(404), "404"),
        (status(500), "500"),
    ],
    ids=["down", "silent", "reset", "slow", "login", "HTML as JPEG", "proxy", "empty", "cut", "403", "404", "500"],
)
def test_a_click_says_what_is_wrong_and_all_else_goes_on(
    tmp_path: Path, at: Place, trouble: Answer | None, said: str
) -> None:
    if trouble is None:
        url = f"http://127.0.0.1:{free_port()}"
    elif trouble in (silent, resets):
        url = f"http://127.0.0.1:{at.port(cast(Any, trouble))}"
    else:
        url = at.server(trouble).url
    client = backend(tmp_path, url)
    answer = client.post("/predict", json=clicked(address=ADDRESS))
    assert answer.status_code == 200
    (item,) = answer.get_json()["results"]
    error = item["error"]
    assert item["result"] == []
    assert (error["field"], error["value"]) == ("data.image", ADDRESS)
    assert said in error["remedy"]
    assert TOKEN not in answer.get_data(as_text=True)
    assert client.get("/health").status_code == client.get("/metrics").status_code == 200
    assert client.post("/webhook", json=capture("41")["request"]).status_code == 201
    assert client.post("/setup", json=capture("01")["request"]).status_code == 200
    status_ = client.get("/status").get_json()
    assert status_["events_recorded"] == 1
    assert any(said in one["remedy"] for one in status_["errors"])


def test_label_studio_down_and_back(tmp_path: Path, at: Place) -> None:
    server = at.server(status(503))
    client = backend(tmp_path, server.url)
    assert "error" in client.post("/predict", json=clicked(address=ADDRESS)).get_json()["results"][0]
    server.everywhere = sends(photograph(), "image/jpeg")
    (item,) = client.post("/predict", json=clicked(address=ADDRESS)).get_json()["results"]
    assert (len(item["result"]), "error" in item) == (1, False)


def test_a_slow_storage_holds_up_only_who_asks_of_it(tmp_path: Path, at: Place) -> None:
    come, asked = Event(), Event()

    def slow(connection: socket.socket) -> None:
        connection.recv(9999)
        asked.set()
        come.wait(10)
        picture = photograph()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nConnection: close\r\n")
        connection.sendall(f"Content-Length: {len(picture)}\r\n\r\n".encode() + picture)

    images = ImageSettings(label_studio_url=f"http://127.0.0.1:{at.port(slow)}", label_studio_api_key=TOKEN)
    settings = ServerSettings(data_dir=tmp_path / "data", images=images)
    app = create_app(cast(Any, StandInParser()), settings, images=ImageSource(images))
    with ThreadPoolExecutor(1) as pool, ExitStack() as at_end:
        at_end.callback(come.set)
        waiting = pool.submit(lambda: app.test_client().post("/predict", json=clicked(8, ADDRESS)).get_json())
        assert asked.wait(20)
        client = app.test_client()
        (item,) = client.post("/predict", json=clicked(9)).get_json()["results"]
        assert (len(item["result"]), "error" in item) == (1, False)
        assert client.post("/webhook", json=capture("41")["request"]).status_code == 201
        assert not waiting.done()
        come.set()
        (item,) = waiting.result(30)["results"]
        assert (len(item["result"]), "error" in item) == (1, False)
