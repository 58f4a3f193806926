"""`ihp predict-project` against a stand-in for Label Studio; tests/contract has the real one."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from ihp_backend.commands import predict_project
from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.predict import shared_backend as opening
from ihp_backend.label_studio.predict.model_cache import OneModel
from tests.commands.test_accepted import run
from tests.label_studio.image_server import ImageServer, sends, status
from tests.server.stand_in import StandInParser, capture, photograph

CONFIG = capture("04")["request"]["label_config"]
VERSION = StandInParser().version


class StandInLabelStudio(ImageServer):
    """Projects' tasks and predictions in memory; can be down for some requests, or fall down for good."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self.data = {task: {"image": f"/data/upload/2/{task}.jpg"} for task in range(1, tasks + 1)}
        self.predictions: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self.annotated: set[int] = set()
        self.posts_until_down = 10**9
        self.lock = threading.Lock()
        for task in self.data:
            self.routes[f"/data/upload/2/{task}.jpg"] = sends(photograph(40 + task, 50), "image/jpeg")
        self.routes |= {
            "/api/projects/2/": self.answers(
                lambda query: {"label_config": CONFIG, "show_collab_predictions": True, "model_version": "old"}
            ),
            "/api/ml/": self.answers(lambda query: []),
            "/api/tasks/": self.answers(self.listing),
            "/api/predictions/": self.predictions_route,
        }

    def answers(self, make: Any) -> Any:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            query = {key: value[0] for key, value in parse_qs(urlsplit(handler.path).query).items()}
            down = self.posts_until_down <= 0
            sends(json.dumps(make(query)).encode(), "application/json", 502 if down else 200)(handler)

        return answer

    def listing(self, query: dict[str, str]) -> dict[str, Any]:
        page, size = int(query["page"]), int(query["page_size"])
        tasks = [
            {
                "id": task,
                "data": data,
                "predictions_model_versions": self.versions(task),
                "total_annotations": int(task in self.annotated),
            }
            for task, data in self.data.items()
        ]
        return {"tasks": tasks[(page - 1) * size : page * size], "total": len(tasks)}

    def versions(self, task: int) -> str:
        return ",".join({one["model_version"] for one in self.predictions[task]})

    def predictions_route(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "GET":
            self.answers(lambda query: self.predictions[int(query["task"])])(handler)
            return
        with self.lock:
            self.posts_until_down -= 1
            if self.posts_until_down >= 0:
                prediction = json.loads(cast(Any, handler).body)
                self.predictions[prediction["task"]].append(prediction)
        self.answers(lambda query: {})(handler)


@pytest.fixture
def label_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInLabelStudio]:
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(opening, "open_model_cache", lambda settings: OneModel(cast(Any, StandInParser())))
    monkeypatch.setattr(LabelStudio.__init__, "__defaults__", (None, (0.0, 0.0)))
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with StandInLabelStudio(tasks=120) as server:
        yield server
        server.shutdown()


def test_missing_and_outdated_ones_get_one_and_a_second_run_has_nothing_to_do(
    label_studio: StandInLabelStudio,
) -> None:
    old = {"task": 3, "model_version": VERSION + "0", "result": []}
    label_studio.predictions[3].append(old)
    label_studio.predictions[4].append({"task": 4, "model_version": VERSION, "result": []})
    first = run("predict-project", label_studio.url, 2, "--parallel", 1)
    assert first.exit_code == 0, first.output
    assert f"project 2: 119 of 120 tasks have no prediction of {VERSION}" in first.output
    assert "119 predictions posted, 0 tasks failed" in first.output
    assert f"annotators see those of 'old': choose {VERSION}" in first.output
    for task in label_studio.data:
        *before, last = label_studio.predictions[task]
        assert before == ([old] if task == 3 else [])
        assert last["model_version"] == VERSION
        if task != 4:
            assert last["result"][0]["original_width"] == 40 + task
            assert 0 < last["score"] <= 1
    second = run("predict-project", label_studio.url, 2)
    assert (second.exit_code, "0 of 120 tasks" in second.output) == (0, True)
    assert sum(map(len, label_studio.predictions.values())) == 121


def test_limit_and_dry_run(label_studio: StandInLabelStudio) -> None:
    assert "120 of 120" in run("predict-project", label_studio.url, 2, "--dry-run").output
    assert not any(label_studio.predictions.values())
    assert "7 predictions posted" in run("predict-project", label_studio.url, 2, "--limit", 7, "--parallel", 1).output
    assert "113 of 120" in run("predict-project", label_studio.url, 2, "--dry-run").output


def test_annotated_tasks_are_left_out_unless_they_are_wanted(label_studio: StandInLabelStudio) -> None:
    label_studio.annotated = {2, 3}
    label_studio.predictions[3].append({"task": 3, "model_version": VERSION, "result": []})
    told = run("predict-project", label_studio.url, 2, "--limit", 5, "--parallel", 1).output
    assert "118 of 120 tasks have no prediction" in told
    assert "2 annotated ones are left out, --all-tasks takes them in" in told
    assert [len(label_studio.predictions[task]) for task in (1, 2, 3, 4)] == [1, 0, 1, 1]
    told = run("predict-project", label_studio.url, 2, "--all-tasks", "--limit", 1, "--parallel", 1).output
    assert "114 of 120 tasks have no prediction" in told
    assert "left out" not in told
    assert [len(label_studio.predictions[task]) for task in (1, 2, 3, 4)] == [1, 1, 1, 1]


def test_failures_are_listed_and_tried_again(label_studio: StandInLabelStudio) -> None:
    label_studio.routes["/data/upload/2/5.jpg"] = sends(b"no photograph", "image/jpeg")
    del label_studio.routes["/data/upload/2/6.jpg"]
    first = run("predict-project", label_studio.url, 2, "--limit", 10, "--parallel", 1)
    assert first.exit_code == 1
    assert "8 predictions posted, 2 tasks failed" in first.output
    assert "task 5: data.image: /data/upload/2/5.jpg: photograph: 13 bytes" in first.output
    assert "task 6: data.image: /data/upload/2/6.jpg: image" in first.output
    label_studio.routes["/data/upload/2/6.jpg"] = sends(photograph(), "image/jpeg")
    second = run("predict-project", label_studio.url, 2, "--limit", 2, "--parallel", 1)
    assert "1 predictions posted, 1 tasks failed" in second.output
    assert [len(label_studio.predictions[task]) for task in (5, 6, 7)] == [0, 1, 1]


def test_a_photograph_of_several_that_fails_is_listed_and_the_others_are_posted(
    label_studio: StandInLabelStudio,
) -> None:
    labels = '<Label value="Face"/><Label value="Hat"/>'
    config = f"""<View><Image name="front" value="$front"/><Image name="back" value="$back"/>
      <BrushLabels name="b" toName="front,back">{labels}</BrushLabels></View>"""
    label_studio.routes["/api/projects/2/"] = label_studio.answers(lambda query: {"label_config": config})
    label_studio.data = {
        1: {"front": "/data/upload/2/1.jpg", "back": "/data/upload/2/none.jpg"},
        2: {"front": "/data/upload/2/none.jpg", "back": "/data/upload/2/none.jpg"},
        3: {"front": "/data/upload/2/2.jpg", "back": "/data/upload/2/3.jpg"},
    }
    first = run("predict-project", label_studio.url, 2)
    assert first.exit_code == 1
    assert "2 predictions posted, 1 of them without all photographs of their task, 1 tasks failed" in first.output
    assert "task 1: posted without data.back: /data/upload/2/none.jpg: image" in first.output
    assert "task 2: data.front: /data/upload/2/none.jpg: image" in first.output
    (posted,) = label_studio.predictions[1]
    assert {region["to_name"] for region in posted["result"]} == {"front"}
    assert [len(label_studio.predictions[task]) for task in (1, 2, 3)] == [1, 0, 1]


def test_label_studio_goes_away_in_the_middle(label_studio: StandInLabelStudio) -> None:
    label_studio.posts_until_down = 9
    broken = run("predict-project", label_studio.url, 2, "--parallel", 3)
    assert broken.exit_code == 1
    assert "look whether it runs, and run the command again" in broken.output
    assert sum(map(len, label_studio.predictions.values())) == 9
    label_studio.posts_until_down = 10**9
    assert "111 of 120" in run("predict-project", label_studio.url, 2, "--dry-run").output


def test_photographs_out_of_reach_while_label_studio_is_away_are_tried_again(label_studio: StandInLabelStudio) -> None:
    there = label_studio.routes["/data/upload/2/4.jpg"]
    up = label_studio.routes["/api/projects/2/"]

    def away_once(handler: BaseHTTPRequestHandler) -> None:
        def back(handler: BaseHTTPRequestHandler) -> None:
            label_studio.routes |= {"/data/upload/2/4.jpg": there, "/api/projects/2/": up}
            status(503)(handler)

        label_studio.routes["/api/projects/2/"] = back
        status(503)(handler)

    label_studio.routes["/data/upload/2/4.jpg"] = away_once
    assert "120 predictions posted, 0 tasks failed" in run("predict-project", label_studio.url, 2).output


def test_interrupted_it_ends_what_is_begun_and_goes_on_later(
    label_studio: StandInLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ihp_backend.label_studio.predict import project_predictions

    def interrupted(futures: Any) -> Iterator[Any]:
        for number, future in enumerate(as_completed(futures)):
            if number == 5:
                raise KeyboardInterrupt
            yield future

    as_completed = project_predictions.as_completed
    monkeypatch.setattr(project_predictions, "as_completed", cast(Any, interrupted))
    stopped = run("predict-project", label_studio.url, 2, "--parallel", 2)
    assert stopped.exit_code == predict_project.INTERRUPTED
    assert "the same command goes on" in stopped.output
    assert "5 predictions posted" in stopped.output
    posted = sum(map(len, label_studio.predictions.values()))
    assert 5 <= posted < 120
    monkeypatch.setattr(project_predictions, "as_completed", as_completed)
    assert f"{120 - posted} of 120" in run("predict-project", label_studio.url, 2).output
    assert [len(label_studio.predictions[task]) for task in label_studio.data] == [1] * 120


def test_long_lists_of_versions_are_looked_into(label_studio: StandInLabelStudio) -> None:
    many = [{"task": 1, "model_version": f"{number:050d}", "result": []} for number in range(12)]
    label_studio.predictions[1] += [*many, {"task": 1, "model_version": VERSION, "result": []}]
    label_studio.predictions[2] += many
    assert "119 of 120" in run("predict-project", label_studio.url, 2, "--dry-run").output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["two"], "'two' is no number of a project"),
        (["http://a", "http://b", "2"], "or an address and a number"),
        (["2"], "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY"),
        (["nowhere", "2"], "LABEL_STUDIO_URL: 'nowhere' is no absolute address"),
    ],
)
def test_what_is_wrong_is_said(label_studio: StandInLabelStudio, arguments: list[str], says: str) -> None:
    refused = run("predict-project", *arguments)
    assert refused.exit_code == 1
    assert says in refused.output


def test_projects_that_cannot_be_predicted(label_studio: StandInLabelStudio) -> None:
    label_studio.routes["/api/projects/3/"] = sends(b'{"detail": "Not found."}', "application/json", 404)
    assert "check the project's number" in run("predict-project", label_studio.url, 3).output
    label_studio.routes["/api/projects/2/"] = sends(b'{"label_config": "<View/>"}', "application/json")
    refused = run("predict-project", label_studio.url, 2)
    assert (refused.exit_code, "no <Image>" in refused.output) == (1, True)
