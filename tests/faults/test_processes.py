"""The server's process: told to end amid work, with few files, with a clock that is set back."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from threading import Event

import pytest
import requests
from flask.testing import FlaskClient

from ihp_backend.finetuning import run_job
from ihp_backend.finetuning.accepted_index import Index
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompts import Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.labels import CCP
from tests.label_studio.trouble_servers import place
from tests.server.stand_in import capture
from tests.server.wild_bodies import BROWSER

from .serving import clicked, served

EVENT = capture("41")["request"]


def test_told_to_end_under_load_it_answers_what_it_took(tmp_path: Path) -> None:
    """Within ten seconds, and nothing that was acknowledged is lost."""
    with served(tmp_path, parse_seconds=0.1) as server, ThreadPoolExecutor(12) as pool:

        def click(task: int) -> str:
            try:
                answer = server.post("/predict" if task % 2 else "/webhook", clicked(task) if task % 2 else EVENT)
            except requests.ConnectionError as error:
                return "broken off" if "RemoteDisconnected" in str(error) else "not taken"
            assert answer.status_code in (200, 201)
            return "stored" if answer.status_code == 201 else "answered"

        asked = [pool.submit(click, task) for task in range(200)]
        while sum(one.done() for one in asked) < 24:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(10) == 0
        outcomes = [one.result() for one in asked]
    assert outcomes.count("answered") >= 12
    assert outcomes.count("not taken") > 0
    assert outcomes.count("broken off") == 0
    assert not [line for line in server.log if "Traceback" in line]
    with served(tmp_path) as server:
        assert server.status()["events_recorded"] >= outcomes.count("stored")


def test_told_to_end_it_does_not_wait_for_what_never_comes(tmp_path: Path) -> None:
    """Within ten seconds, while a photograph is waited for."""
    with place(tmp_path) as at, ExitStack() as at_end:
        asked, enough = Event(), Event()
        at_end.callback(enough.set)

        def never(connection: socket) -> None:
            connection.recv(9999)
            asked.set()
            enough.wait(60)

        port = at.port(never)
        images = {"label_studio_url": f"http://127.0.0.1:{port}", "label_studio_api_key": "0123456789abcdef"}
        with served(tmp_path, images=images) as server, ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(server.post, "/predict", clicked(address="/data/upload/1/a.jpg"))
            assert asked.wait(20)
            server.process.terminate()
            assert server.process.wait(10) == 0
            assert isinstance(waiting.exception(), requests.ConnectionError)


def test_with_few_open_files_everybody_is_answered(tmp_path: Path) -> None:
    """As after ``ulimit -n 64``, with more connections at a time than that: they wait, and no event is lost."""
    with served(tmp_path, ["prlimit", "--nofile=64:64"]) as server, ThreadPoolExecutor(120) as pool:

        def ask(number: int) -> int:
            path, body = ("/webhook", EVENT) if number % 3 == 0 else ("/predict", clicked(number))
            return server.post(path, body).status_code

        assert sorted(pool.map(ask, range(240))) == [200] * 160 + [201] * 80
        assert "error" not in server.answers(500)
        assert server.status()["events_recorded"] == 80
    assert not [line for line in server.log if "Traceback" in line or "Too many open files" in line]


DAY = 86_400.0


def test_events_while_the_clock_is_set_back(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a day, and on again: each is taken in, once."""
    real = time.time
    here = client.application.extensions["ihp_backend"]
    for number, late in enumerate((0.0, DAY, DAY - 60, -10.0)):
        monkeypatch.setattr(time, "time", lambda late=late: real() - late)
        (item,) = client.post("/predict", json=clicked(8, "/data/upload/1/a.jpg")).get_json()["results"]
        assert (len(item["result"]), "error" in item) == (1, False)
        event = {**EVENT, "annotation": {**EVENT["annotation"], "id": 100 + number, "task": 50 + number}}
        assert client.post("/webhook", json=event).status_code == 201
        assert ingest(here.inbox, here.workspace.annotation_store) == 1
    (project,) = here.workspace.annotation_store.projects()
    assert {one.id for one in here.workspace.annotation_store.current(project)} == {100, 101, 102, 103}
    assert client.get("/metrics").status_code == 200
    assert client.get("/status", headers=BROWSER).status_code == 200


def test_clicks_while_the_clock_is_set_back() -> None:
    """All stand on the photograph, and expire as late as others."""
    now = DAY
    memory = ClickMemory(expires_after=100, clock=lambda: now)
    for name, at in (("a", DAY), ("b", 5.0), ("c", 6.0)):
        now = at
        prompts = (Prompt(name, "Face", 50, 50),)
        active = memory.update("1", "8", PromptRequest(prompts, to_name="image"), SavedWork())
    assert [prompt.id for prompt in active.prompts["Face"]] == ["a", "b", "c"]
    now = 107.0
    memory.forget_expired()
    assert memory.active("1", "8") == 0


def test_a_job_that_failed_is_tried_again_though_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_job, "due", lambda *_: "20 photographs are new")
    monkeypatch.setattr(Workspace, "bring_up_to_date", lambda *_: Index(CCP))
    workspace = Workspace(tmp_path)
    tried = [run_job.check(workspace, "2", ImageSettings(), run_job.RetrainingPolicy())[1]]
    with workspace.progress("2").job("because") as running:
        assert running is not None
        running.end("failed")
    real = time.time
    for late in (0.0, -7200.0, 30 * DAY):
        monkeypatch.setattr(time, "time", lambda late=late: real() - late)
        tried.append(run_job.check(workspace, "2", ImageSettings(), run_job.RetrainingPolicy())[1])
    assert [reason is not None for reason in tried] == [True, False, True, True]
