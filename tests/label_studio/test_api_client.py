from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from ihp_backend.label_studio.web.api_access import ProjectApiError
from ihp_backend.label_studio.web.api_client import ApiClient
from ihp_backend.label_studio.web.image_settings import ImageSettings

from .image_server import Answer, ImageServer, sends, status, wants, web_token

YES = sends(b'{"yes": 1}', "application/json")


def client(server: ImageServer, pauses: tuple[float, ...] = (0, 0, 0), token: str = "t" * 40) -> ApiClient:
    return ApiClient(ImageSettings(label_studio_url=server.url, label_studio_api_key=token), pauses=pauses)


def in_turn(*answers: Answer) -> Answer:
    """Each time the next one, the last one for ever."""
    left = list(answers)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


@pytest.mark.parametrize("trouble", [status(500), status(502), status(503), status(429), hangs_up])
def test_what_passes_is_waited_for(label_studio: ImageServer, trouble: Answer) -> None:
    label_studio.routes["/api/x"] = in_turn(trouble, trouble, YES)
    assert client(label_studio).get("/api/x") == {"yes": 1}
    assert len(label_studio.asked) == 3


def test_patience_has_an_end(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = status(503)
    with pytest.raises(ProjectApiError, match=r"/api/x: status 503, 4 times within 0 s; .*look whether it runs"):
        client(label_studio).get("/api/x")
    assert len(label_studio.asked) == 4
    label_studio.shutdown()
    label_studio.server_close()
    with pytest.raises(ProjectApiError, match=r"refused: nobody listens there, 4 times within 0 s; start Label Studio"):
        client(label_studio).get("/api/x")


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        (status(401), "LABEL_STUDIO_API_KEY"),
        (status(403), "may change the project"),
        (sends(b'{"detail": "Not found."}', "application/json", 404), "check the project's number"),
        (status(404), "has to be the address of Label Studio itself"),
        (sends(b'{"task": ["Invalid pk"]}', "application/json", 400), "Invalid pk"),
        (sends(b"<html>", "application/json"), "no JSON"),
        (sends(b"<html>", "text/html"), "a web page"),
        (sends(b"<html>", "text/html", 418), "a web page, not Label Studio's answer"),
    ],
)
def test_refusals_are_told_at_once(label_studio: ImageServer, answer: Answer, remedy: str) -> None:
    label_studio.routes["/api/x"] = answer
    with pytest.raises(ProjectApiError, match=remedy):
        client(label_studio).get("/api/x")
    assert len(label_studio.asked) == 1


def test_what_arrived_in_spite_of_all_is_not_posted_again(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = in_turn(hangs_up, YES)
    client(label_studio).post("/api/x", {"a": 1}, already=lambda: True)
    assert [asked.body for asked in label_studio.asked] == [b'{"a": 1}']
    label_studio.routes["/api/x"] = in_turn(hangs_up, YES)
    client(label_studio).post("/api/x", {"a": 1}, already=lambda: False)
    assert len(label_studio.asked) == 3
    assert label_studio.asked[0].authorization == "Token " + "t" * 40


def test_a_personal_token_that_has_ended_is_renewed(label_studio: ImageServer) -> None:
    old, new = web_token(token_type="access", n=1), web_token(token_type="access", n=2)
    tokens = [sends(f'{{"access": "{token}"}}'.encode(), "application/json") for token in (old, new)]
    label_studio.routes["/api/token/refresh/"] = in_turn(*tokens)
    label_studio.routes["/api/x"] = wants(f"Bearer {new}", YES)
    assert client(label_studio, (), web_token(token_type="refresh")).get("/api/x") == {"yes": 1}


def test_had_to_wait(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = in_turn(YES, status(502), status(502), YES)
    asking = client(label_studio)
    assert [asking.had_to_wait("/api/x") for _ in range(3)] == [False, True, False]


def test_whoever_stops_does_not_wait_to_the_end(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = status(502)
    stopped, began = threading.Event(), time.monotonic()
    threading.Timer(0.1, stopped.set).start()
    settings = ImageSettings(label_studio_url=label_studio.url)
    with pytest.raises(ProjectApiError):
        ApiClient(settings, stopped, pauses=(300.0,)).get("/api/x")
    assert time.monotonic() - began < 100


def test_without_an_address() -> None:
    with pytest.raises(ProjectApiError, match="set LABEL_STUDIO_URL"):
        ApiClient(ImageSettings())
