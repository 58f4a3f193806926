"""Threads share one application; each gets its own photograph's answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from flask import Flask

from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.predict import predictions
from ihp_backend.parsing import Parse
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture

THREADS = 8


def body(task: int, x: float) -> dict[str, Any]:
    request = capture("10")["request"]
    request["tasks"][0].update(id=task, data={"image": f"/data/upload/1/{task}.jpg"})
    click = request["params"]["context"]["result"][0]
    click["id"] = f"click-{task}-{x}"
    click["value"]["x"] = x
    return dict(request)


def test_eight_threads_each_get_their_own_mask(app: Flask, parser: StandInParser) -> None:
    start = threading.Barrier(THREADS)

    def work(task: int) -> list[tuple[str, float]]:
        start.wait()
        found = []
        for _ in range(5):
            answer = app.test_client().post("/predict", json=body(task, 10.0 * task + 5)).get_json()
            (region,) = answer["results"][0]["result"]
            columns = np.nonzero(decode(region["value"]["rle"], 600, 800))[1]
            found.append((region["id"], float(columns.mean())))
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(work, range(1, THREADS + 1)))
    for task, found in enumerate(answers, start=1):
        assert len(set(found)) == 1
        middle = found[0][1]
        assert abs(middle - (10 * task + 5) / 100 * 800) < 2
    assert len({found[0][0] for found in answers}) == THREADS
    assert len(parser.opened) == THREADS


def test_clicks_of_one_task_at_once_are_all_remembered(app: Flask) -> None:
    start = threading.Barrier(THREADS)

    def work(number: int) -> int:
        start.wait()
        return app.test_client().post("/predict", json=body(1, 10.0 * number)).status_code

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(work, range(THREADS))) == [200] * THREADS
    status = app.test_client().get("/status").get_json()
    assert status["clicks_remembered"] == THREADS
    assert status["predictions_answered"] == THREADS


def test_no_more_requests_compute_at_once_than_the_cores_bear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clicks and a batch; each looks around for others while it computes."""
    monkeypatch.setattr(predictions, "available_cores", lambda: 4)
    lock, inside, seen = threading.Lock(), 0, []

    class Watched(StandInParser):
        def parse(self, *arguments: Any, **named: Any) -> Parse:
            nonlocal inside
            with lock:
                inside += 1
                seen.append(inside)
            time.sleep(0.02)
            try:
                return super().parse(*arguments, **named)
            finally:
                with lock:
                    inside -= 1

    images = cast(Any, StandInImages())
    app = create_app(cast(Any, Watched()), ServerSettings(data_dir=tmp_path), images=images)
    batch = capture("04")["request"]
    sent = [body(task, 10.0 * task) for task in range(1, THREADS)] + [batch]
    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(lambda one: app.test_client().post("/predict", json=one).status_code, sent)) == [200] * 8
    assert len(seen) == THREADS - 1 + len(batch["tasks"])
    assert max(seen) == 2


def test_events_at_once_are_all_recorded(app: Flask) -> None:
    event = capture("44")["request"]
    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(lambda _: app.test_client().post("/webhook", json=event).status_code, range(24)))
    assert answers == [201] * 24
    assert app.test_client().get("/status").get_json()["events_recorded"] == 24
