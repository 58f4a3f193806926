"""The pure parts of the editor benchmark: joining legs, summing up, reading headers, and the recorder in between."""

from __future__ import annotations

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
from rich.console import Console

from ihp_backend.labels import CCP
from tests.benchmarks.editor.legs import LEGS, TimedClick, join, split, stages, summary
from tests.benchmarks.editor.painting import Painting
from tests.benchmarks.editor.photographs import made_up
from tests.benchmarks.editor.recorder import Exchange, read_server_timing, recording
from tests.benchmarks.editor.report import plot, table, verdicts

PAINTING = Painting(pressed=1000, asked=1030, answered=1130, painted=1190, frame=16.7, looking=1)
EXCHANGE = Exchange("a", backend=55, recorder=2, stages={"model": 40, "masks": 5}, asked=10, answered=20)


def timed(number: int, legs: dict[str, float], **of_backend: float) -> TimedClick:
    return TimedClick(0, number, "hair", 2, {**dict.fromkeys(LEGS, 0.0), **legs}, of_backend, True, 1, 1)


def test_legs_add_up_to_the_time_from_press_to_pixels() -> None:
    legs = join(PAINTING, EXCHANGE)
    assert tuple(legs) == LEGS
    assert legs == {"page": 30, "label_studio": 43, "recorder": 2, "backend": 15, "model": 40, "painting": 60}
    assert sum(legs.values()) == 190


def test_a_click_that_changes_nothing_ends_with_its_answer() -> None:
    unpainted = Painting(pressed=0, asked=10, answered=110, painted=None, frame=16.7, looking=1)
    legs = join(unpainted, EXCHANGE)
    assert legs["painting"] == 0
    assert sum(legs.values()) == 110


def test_legs_of_different_clicks_are_refused() -> None:
    longer = Exchange("b", backend=120, recorder=2, stages={}, asked=10, answered=20)
    with pytest.raises(ValueError, match=r"click b: .*'label_studio': -22"):
        join(PAINTING, longer)


def test_percentiles_of_legs_and_of_the_whole() -> None:
    clicks = [timed(number, {"page": float(number), "painting": 100.0, "backend": 20.0}) for number in range(101)]
    found = summary(clicks)
    assert (found["total"]["count"], found["total"]["p50"], found["total"]["p95"]) == (101, 170.0, 215.0)
    assert found["browser"]["p50"] == 150.0
    assert found["total"]["mean"] == pytest.approx(sum(found[leg]["mean"] for leg in LEGS))
    assert [len(part) for part in split(clicks).values()] == [1, 100]
    assert summary([])["total"] == {"count": 0}


def test_a_stage_that_a_click_lacks_counts_as_nothing() -> None:
    found = stages([timed(0, {}, photograph=90.0, model=40.0), timed(1, {}, model=20.0)])
    assert found["photograph"]["mean"] == 45.0
    assert found["model"]["p50"] == 30.0


def test_the_report_says_what_was_missed(tmp_path: Path) -> None:
    clicks = [timed(number, {"painting": 300.0, "backend": 20.0}) for number in range(4)]
    assert [line.rpartition(" ")[2] for line in verdicts(clicks)] == ["missed", "reached"]
    written = io.StringIO()
    Console(file=written, width=120).print(table(clicks))
    assert "320.0" in written.getvalue()
    plot(clicks, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 0


def test_server_timing_is_read() -> None:
    assert read_server_timing("model;dur=41.5, masks; dur=3") == {"model": 41.5, "masks": 3.0}
    assert read_server_timing("") == {}


def test_made_up_photographs_have_their_truth(tmp_path: Path) -> None:
    (one,) = made_up(1, tmp_path)
    assert one.parsing.shape == (768, 512)
    assert {CCP.names[label] for label in np.unique(one.parsing)} == {"background", "hat", "coat", "bag"}


def test_the_recorder_hands_on_and_keeps_the_times_of_clicks() -> None:
    class Backend(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Server-Timing", "model;dur=3.5")
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    body = {"tasks": [], "params": {"context": {"result": [{"id": "older"}, {"id": "newest"}]}}}
    try:
        with recording(server.server_port) as recorder:
            answer = requests.post(f"{recorder.url}/predict", json=body, timeout=10)
            assert answer.json() == body
            requests.post(f"{recorder.url}/predict", json={"params": {"context": None}}, timeout=10)
            exchange = recorder.of("newest")
            assert exchange.stages == {"model": 3.5}
            assert exchange.asked == exchange.answered == len(answer.content)
            with pytest.raises(LookupError, match="older: 0 requests"):
                recorder.of("older")
    finally:
        server.shutdown()
        server.server_close()
