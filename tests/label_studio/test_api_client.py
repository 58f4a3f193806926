from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest

from examples.demo.client import LabelStudioUser
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.api.prediction_api import PredictionApi
from ihp_backend.label_studio.web.image_settings import ImageSettings

from .image_server import Answer, ImageServer, sends, status, wants, web_token

YES = sends(b'{"yes": 1}', "application/json")


def client(server: ImageServer, pauses: tuple[float, ...] = (0, 0, 0), token: str = "t" * 40) -> LabelStudio:
    return LabelStudio(ImageSettings(label_studio_url=server.url, label_studio_api_key=token), pauses=pauses)


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
    with pytest.raises(ApiError, match=r"/api/x: status 503, 4 times within 0 s; .*look whether it runs"):
        client(label_studio).get("/api/x")
    assert len(label_studio.asked) == 4
    label_studio.shutdown()
    label_studio.server_close()
    with pytest.raises(ApiError, match=r"refused: nobody listens there, 4 times within 0 s; start Label Studio"):
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
    with pytest.raises(ApiError, match=remedy):
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
    label_studio.routes["/api/projects/2/"] = in_turn(YES, status(502), status(502), YES)
    asking = PredictionApi(client(label_studio))
    assert [asking.had_to_wait("2") for _ in range(3)] == [False, True, False]


def test_whoever_stops_does_not_wait_to_the_end(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = status(502)
    stopped, began = threading.Event(), time.monotonic()
    threading.Timer(0.1, stopped.set).start()
    settings = ImageSettings(label_studio_url=label_studio.url)
    with pytest.raises(ApiError):
        LabelStudio(settings, stopped, pauses=(300.0,)).get("/api/x")
    assert time.monotonic() - began < 100


def test_without_an_address() -> None:
    with pytest.raises(ApiError, match="set LABEL_STUDIO_URL"):
        LabelStudio(ImageSettings())


def test_what_label_studio_says_of_a_refusal_is_told(label_studio: ImageServer) -> None:
    label_studio.routes["/api/ml/"] = sends(b'{"detail": "reserved network address"}', "application/json", 403)
    with pytest.raises(ApiError, match="reserved network address") as refused:
        client(label_studio).post("/api/ml/", {"url": "http://127.0.0.1"})
    assert (refused.value.status, refused.value.passing) == (403, False)
    assert str(refused.value) == f"{refused.value.found}; {refused.value.remedy}"


def test_what_changes_something_is_not_repeated(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = in_turn(status(503), YES)
    with pytest.raises(ApiError, match="status 503; "):
        client(label_studio).change("PATCH", "/api/x", {"a": 1})
    label_studio.routes["/api/x"] = in_turn(status(503), YES)
    with pytest.raises(ApiError, match="status 503; "):
        client(label_studio).post("/api/x", {"a": 1})
    assert len(label_studio.asked) == 2


def test_an_empty_answer_is_none_where_something_was_changed(label_studio: ImageServer) -> None:
    label_studio.routes["/api/x"] = sends(b"", "application/json", 204)
    assert client(label_studio).change("DELETE", "/api/x") is None
    with pytest.raises(ApiError, match="no JSON"):
        client(label_studio).get("/api/x")


def test_tasks_come_page_by_page(label_studio: ImageServer) -> None:
    def listing(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        assert (query["project"], query["fields"]) == (["7"], ["all"])
        first = (int(query["page"][0]) - 1) * 2
        found = [{"id": number} for number in range(first, min(first + 2, 5))]
        sends(json.dumps({"tasks": found, "total": 5}).encode(), "application/json")(handler)

    label_studio.routes["/api/tasks/"] = listing
    assert [task["id"] for task in client(label_studio).tasks(7, 2, fields="all")] == [0, 1, 2, 3, 4]
    assert len(label_studio.asked) == 3


def test_a_file_is_sent_as_a_form(label_studio: ImageServer) -> None:
    label_studio.routes["/api/projects/7/import"] = YES
    user = LabelStudioUser(label_studio.url, "t" * 40)
    assert user.upload(7, "a.jpg", b"of the photograph") == {"yes": 1}
    (asked,) = label_studio.asked
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\nof the photograph\r\n' in asked.body
    assert asked.authorization == "Token " + "t" * 40


def test_the_user_on_this_machine_goes_round_proxies(
    label_studio: ImageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://no-such-proxy.invalid:1")
    label_studio.routes["/api/x"] = YES
    assert LabelStudioUser(label_studio.url, "t" * 40).get("/api/x") == {"yes": 1}
    with pytest.raises(ApiError, match="HTTP_PROXY"):
        client(label_studio, ()).get("/api/x")


def test_asking_as_nobody(label_studio: ImageServer) -> None:
    label_studio.routes["/api/version/"] = status(500)
    assert client(label_studio).ask("GET", "/api/version/", with_token=False).status == 500
    assert label_studio.asked[0].authorization is None
