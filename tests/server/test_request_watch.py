"""Request ids: in answers, in errors and in every line that a request causes."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import Any

import pytest
from flask.testing import FlaskClient

from ihp_backend.log_context import log_fields
from ihp_backend.server.log_lines import JsonLines
from ihp_backend.server.request_watch import REQUEST_ID

from .stand_in import StandInImages, capture
from .written_log import json_lines, written_by

MADE = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    with written_by(JsonLines()) as stream:
        yield stream


def batch(tasks: int) -> dict[str, Any]:
    body = capture("04")["request"]
    one = body["tasks"][0]
    body["tasks"] = [{**deepcopy(one), "id": 100 + number} for number in range(tasks)]
    return body


@pytest.mark.parametrize("given_id", ["a", "req-1.2_3:4+5/6=", "x" * 128])
def test_a_sane_id_is_kept(client: FlaskClient, given_id: str) -> None:
    assert client.get("/health", headers={REQUEST_ID: given_id}).headers[REQUEST_ID] == given_id


@pytest.mark.parametrize("given_id", [None, "", "two words", "x" * 129, "naïve", "<b>", '"'])
def test_another_is_replaced(client: FlaskClient, given_id: str | None) -> None:
    headers = {} if given_id is None else {REQUEST_ID: given_id}
    ids = {client.get("/health", headers=headers).headers[REQUEST_ID] for _ in range(3)}
    assert len(ids) == 3
    assert all(MADE.fullmatch(one) for one in ids)


def test_errors_name_it(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("stumbled")

    monkeypatch.setattr("ihp_backend.server.predict.answer_all", stumble)
    answers = [
        client.get("/nothing", headers={REQUEST_ID: "mine"}),
        client.get("/predict", headers={REQUEST_ID: "mine"}),
        client.post("/predict", json={"tasks": []}, headers={REQUEST_ID: "mine"}),
        client.post("/predict", json=capture("10")["request"], headers={REQUEST_ID: "mine"}),
        client.post("/predict", data=b"x" * (2 << 20), content_type="application/json", headers={REQUEST_ID: "mine"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 405, 400, 500, 413]
    for answer in answers:
        assert answer.headers[REQUEST_ID] == "mine"
        assert answer.get_json()["request_id"] == "mine"


def test_the_line_of_a_request(client: FlaskClient, written: io.StringIO) -> None:
    body = capture("10")["request"]
    client.post("/predict", json=body, headers={REQUEST_ID: "mine"})
    (*_, last) = json_lines(written, "mine")
    milliseconds, message = last.pop("milliseconds"), last.pop("message")
    assert milliseconds > 0
    assert message == f"POST /predict answered 200 in {milliseconds:.0f} ms"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", last.pop("time"))
    assert last == {
        "level": "INFO",
        "logger": "ihp_backend.server.request_watch",
        "request_id": "mine",
        "route": "/predict",
        "project": body["project"].partition(".")[0],
        "task": str(body["tasks"][0]["id"]),
        "status": 200,
    }


def test_what_is_asked_all_the_time_has_a_line_only_where_something_is_wrong(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.get("/health")
    client.get("/metrics")
    assert caplog.messages == []
    client.post("/metrics")
    assert any(message.startswith("POST other answered 405") for message in caplog.messages)


def test_the_threads_of_a_batch_log_for_its_request(
    client: FlaskClient, images: StandInImages, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = StandInImages.fetch

    def fetch(self: StandInImages, url: str, **kwargs: Any) -> bytes:
        logging.getLogger("anybody").debug("fetching")
        return fetched(self, url, **kwargs)

    monkeypatch.setattr(StandInImages, "fetch", fetch)
    bodies = {f"batch-{number}": batch(3) for number in range(3)}
    for number, body in enumerate(bodies.values()):
        body["project"] = str(50 + number)
        for task in body["tasks"]:
            task["data"] = {"image": f"/data/upload/{number}/{task['id']}.jpg"}

    def send(request_id: str) -> int:
        return client.application.test_client().post(
            "/predict", json=bodies[request_id], headers={REQUEST_ID: request_id}
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(send, bodies)) == [200, 200, 200]
    for request_id, body in bodies.items():
        of_request = json_lines(written, request_id)
        assert {line["project"] for line in of_request} == {body["project"]}
        of_tasks = [line["task"] for line in of_request if line["logger"] == "anybody"]
        assert sorted(of_tasks) == ["100", "101", "102"]
    assert log_fields() == {}


def test_nothing_is_left_for_the_next_request_of_a_thread(client: FlaskClient, written: io.StringIO) -> None:
    client.post("/predict", json=capture("10")["request"], headers={REQUEST_ID: "first"})
    client.get("/versions", headers={REQUEST_ID: "second"})
    logging.getLogger("anybody").info("between requests")
    assert [line.keys() & {"project", "task"} for line in json_lines(written, "second")] == [set()]
    assert "request_id" not in json_lines(written)[-1]
