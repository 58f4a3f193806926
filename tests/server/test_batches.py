"""Batches through the application: order, time, photographs side by side, and whose scenes are kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flask import Flask
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.batch_limits import BatchLimits
from ihp_backend.label_studio.predict.scene_cache import SceneCache
from ihp_backend.parsing import Parse, Scene
from ihp_backend.parsing.last_answer import LastAnswer
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.server.state import EXTENSION

from .stand_in import StandInImages, StandInParser, capture, photograph

WIDTHS = {task: 100 + 20 * task for task in range(1, 41)}


class Photographs(StandInImages):
    """The photograph of task 3 is 160 pixels wide, and so on; some may be held back or broken."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[int], None] = lambda task: None
        self.broken: set[int] = set()

    def fetch(self, url: str, **more: Any) -> bytes:
        task = int(url.rsplit("/", 1)[1].partition(".")[0])
        super().fetch(url, **more)
        self.before(task)
        return b"no photograph" if task in self.broken else photograph(WIDTHS[task], 80)


class WatchedParser(StandInParser):
    """Sees whether two tasks are ever at the network together."""

    def __init__(self) -> None:
        super().__init__()
        self.counting = threading.Lock()
        self.inside = self.most_inside = 0
        self.after: Callable[[], None] = lambda: None

    def parse(
        self,
        scene: Scene,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        with self.counting:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
        time.sleep(0.002)
        parse = super().parse(scene, clicks, previous)
        with self.counting:
            self.inside -= 1
        self.after()
        return parse


@pytest.fixture
def images() -> Photographs:
    return Photographs()


@pytest.fixture
def parser() -> WatchedParser:
    return WatchedParser()


def application(folder: Path, parser: StandInParser, images: StandInImages, **more: Any) -> Flask:
    settings = ServerSettings(data_dir=folder, batches=BatchLimits(**more))
    return create_app(cast(Any, parser), settings, images=cast(Any, images))


@pytest.fixture
def app(tmp_path: Path, parser: WatchedParser, images: Photographs) -> Flask:
    return application(tmp_path, parser, images)


def ask(app: Flask, *tasks: int) -> list[dict[str, Any]]:
    body = capture("04")["request"]
    shown = body["tasks"][0]
    body["tasks"] = [{**shown, "id": task, "data": {"image": f"/data/upload/1/{task}.jpg"}} for task in tasks]
    answer = app.test_client().post("/predict", json=body)
    assert answer.status_code == 200
    return list(answer.get_json()["results"])


def widths(items: list[dict[str, Any]]) -> list[int | None]:
    return [item["result"][0]["original_width"] if item.get("result") else None for item in items]


def scenes(app: Flask) -> SceneCache:
    return cast(SceneCache, app.extensions[EXTENSION].predictions._photographs._scenes)


def test_answers_are_in_order_though_photographs_come_out_of_order(
    app: Flask, images: Photographs, parser: WatchedParser
) -> None:
    images.before = lambda task: time.sleep(0.03 if task % 3 == 0 else 0)
    images.broken = {5, 6}
    order = [*range(20, 0, -1), 7]
    items = ask(app, *order)
    assert widths(items) == [None if task in images.broken else WIDTHS[task] for task in order]
    assert [item["error"]["field"] for item in items if "result" not in item] == ["data.image"] * 2
    assert parser.most_inside == 1


def test_photographs_are_fetched_side_by_side_but_not_all_at_once(app: Flask, images: Photographs) -> None:
    four = threading.Barrier(4, timeout=10)
    under_way, most = set(), []

    def together(task: int) -> None:
        under_way.add(task)
        most.append(len(under_way))
        four.wait()
        under_way.discard(task)

    images.before = together
    assert None not in widths(ask(app, *range(1, 13)))
    assert max(most) <= 4


def test_a_slow_photograph_holds_up_nobody_else(app: Flask, images: Photographs) -> None:
    others = threading.Semaphore(0)

    def slow_first(task: int) -> None:
        if task == 1:
            for _ in range(11):
                assert others.acquire(timeout=10)
        else:
            others.release()

    images.before = slow_first
    assert None not in widths(ask(app, *range(1, 13)))


def test_what_does_not_fit_the_time_is_said_and_asked_again(
    tmp_path: Path, parser: WatchedParser, images: Photographs, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    parser.after = lambda: now.__setitem__(0, now[0] + 10)
    app = application(tmp_path, parser, images, parallel=1)
    app.extensions[EXTENSION].predictions.clock = lambda: now[0]
    items = ask(app, *range(1, 15))
    # Begun at 0, 10, ... 80 s; at 90 s it is too late.
    assert widths(items) == [WIDTHS[task] for task in range(1, 10)] + [None] * 5
    for item in items[9:]:
        # With a result, if only an empty one, Label Studio would take the task as done.
        assert set(item) == {"model_version", "error"}
        assert item["error"]["value"] == "not answered within IHP_BATCH_SECONDS = 90"
        assert "ihp predict-project" in item["error"]["remedy"]
    status = app.test_client().get("/status").get_json()
    assert status["predictions_answered"] == 9
    assert [(error["field"], error["times"]) for error in status["errors"]] == [("tasks", 5)]
    assert "not answered within" in caplog.text


def test_a_photograph_that_never_comes_does_not_take_the_others_along(
    tmp_path: Path, parser: WatchedParser, images: Photographs
) -> None:
    held, began = threading.Event(), time.monotonic()

    def hold_the_second(task: int) -> None:
        if task == 2:
            held.wait(60)

    images.before = hold_the_second
    app = application(tmp_path, parser, images, seconds=2)
    try:
        items = ask(app, 1, 2, 3, 4, 5, 6)
        assert widths(items) == [120, None, 160, 180, 200, 220]
        assert "result" not in items[1]
        assert time.monotonic() - began < 30
    finally:
        held.set()


def test_opening_a_task_readies_its_scene_and_a_batch_leaves_the_scenes_alone(
    app: Flask, parser: WatchedParser, images: Photographs
) -> None:
    ask(app, 1)
    assert (len(scenes(app)), len(images.fetched)) == (1, 1)
    ask(app, *range(1, 11))
    assert (len(scenes(app)), len(images.fetched)) == (1, 10)  # that of task 1 served the batch, too
    click = capture("10")["request"]
    click["tasks"][0].update(id=1, data={"image": "/data/upload/1/1.jpg"})
    for record in click["params"]["context"]["result"]:
        record.update(original_width=WIDTHS[1], original_height=80)
    (item,) = app.test_client().post("/predict", json=click).get_json()["results"]
    assert len(item["result"]) == 1
    assert (len(parser.opened), len(images.fetched)) == (10, 10)


def test_the_same_request_twice_at_once_is_answered_once(
    app: Flask, parser: WatchedParser, images: Photographs
) -> None:
    begun, held = threading.Event(), threading.Event()

    def hold(task: int) -> None:
        begun.set()
        held.wait(20)

    images.before = hold
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(ask, app, 1, 2, 3)
        assert begun.wait(20)
        again, other = pool.submit(ask, app, 1, 2, 3), pool.submit(ask, app, 4)
        time.sleep(0.1)
        held.set()
        assert first.result() == again.result()
        assert widths(other.result()) == [WIDTHS[4]]
    assert len(images.fetched) == 4
    assert len(parser.parsed) == 4
    ask(app, 1, 2, 3)
    assert len(parser.parsed) == 7


def test_a_click_has_one_rival_at_the_model_and_not_every_task_of_a_batch(app: Flask, parser: WatchedParser) -> None:
    click = capture("10")["request"]
    click["tasks"][0].update(id=40, data={"image": "/data/upload/1/40.jpg"})
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(ask, app, *range(1, 31))
        while not batch.done():
            assert app.test_client().post("/predict", json=click).status_code == 200
    assert parser.most_inside <= 2


def test_wild_tasks_are_answered_each(app: Flask) -> None:
    body = capture("04")["request"]
    body["tasks"] = [{}, {"id": None, "data": 5}, {"id": [1], "data": {"image": 7}}]
    items = app.test_client().post("/predict", json=body).get_json()["results"]
    assert [item["error"]["field"] for item in items] == ["data.image"] * 3
    assert not any("result" in item for item in items)
