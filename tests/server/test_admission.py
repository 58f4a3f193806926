"""More requests at once than there are places, and clicks whose photograph is slow to come."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from flask import Flask

from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture

PLACES = 2


class Held(StandInImages):
    """Photographs that come when they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go, self.asked = threading.Event(), threading.Semaphore(0)

    def fetch(self, *given: Any, **how: Any) -> bytes:
        self.asked.release()
        assert self.let_go.wait(30)
        return super().fetch(*given, **how)


def application(folder: Path, images: StandInImages, **settings: Any) -> Flask:
    given = ServerSettings(data_dir=folder, threads=3 * PLACES, **settings)
    return create_app(cast(Any, StandInParser()), given, images=cast(Any, images))


def body(number: str, task: int) -> dict[str, Any]:
    """A captured request about another task, whose photograph nobody else asks for."""
    request = dict(capture(number)["request"])
    request["tasks"] = [{**request["tasks"][0], "id": task, "data": {"image": f"/data/upload/1/{task}.jpg"}}]
    return request


@contextmanager
def full(app: Flask, images: Held, number: str) -> Iterator[None]:
    """All places are taken by requests like a captured one, which are answered afterwards."""
    with ThreadPoolExecutor(PLACES) as pool:
        waiting = [pool.submit(app.test_client().post, "/predict", json=body(number, task)) for task in range(PLACES)]
        for _ in waiting:
            assert images.asked.acquire(timeout=30)
        try:
            yield
        finally:
            images.let_go.set()
        assert [answer.result().status_code for answer in waiting] == [200] * PLACES


def test_a_click_too_many_is_asked_to_come_again(tmp_path: Path) -> None:
    images = Held()
    app = application(tmp_path, images)
    with full(app, images, "10"):
        answer = app.test_client().post("/predict", json=body("10", 99))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        told = answer.get_json()["error"]
        assert (told["field"], told["value"]) == ("clicks", "2 wait already")
        assert "ask again in 2 seconds" in told["remedy"]
        assert app.test_client().get("/health").status_code == 200
    assert app.test_client().post("/predict", json=body("10", 99)).status_code == 200


def test_pre_annotations_take_no_places_of_clicks(tmp_path: Path) -> None:
    images = Held()
    app = application(tmp_path, images)
    with full(app, images, "04"):
        answer = app.test_client().post("/predict", json=body("04", 99))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "15")
        with ThreadPoolExecutor(1) as pool:
            click = pool.submit(app.test_client().post, "/predict", json=body("10", 100))
            assert images.asked.acquire(timeout=30)  # It has a place.
            images.let_go.set()
            assert click.result().status_code == 200


def test_a_click_whose_photograph_comes_too_late_is_refused_and_remembered(tmp_path: Path) -> None:
    images = StandInImages()
    app = application(tmp_path, images, click_seconds=5)
    predictions = app.extensions["ihp_backend"].predictions
    now = [0.0]
    predictions.clock = lambda: now[0]
    fetch = images.fetch

    def slow(*given: Any, **how: Any) -> bytes:
        now[0] += 6
        return fetch(*given, **how)

    images.fetch = slow  # type: ignore[method-assign]
    answer = app.test_client().post("/predict", json=body("10", 7))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.get_json()["error"]["value"] == "not answered within IHP_CLICK_SECONDS = 5"
    # The photograph is open now, and the click stands: the next one brings it along.
    (region,) = app.test_client().post("/predict", json=body("10", 7)).get_json()["results"][0]["result"]
    assert region["type"] == "brushlabels"
