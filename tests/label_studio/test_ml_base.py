"""The model behind label-studio-ml's harness answers and records as our own server does."""

from __future__ import annotations

import importlib
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.finetuning.ingest import ingest
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.predict.batches import Batches
from ihp_backend.label_studio.predict.model_cache import ModelCache
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.predict.shared_backend import Backend, SharedBackend
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.model_registry.versions import VersionStore
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.storage.database import Database

from ..server.stand_in import CAPTURES, StandInImages, StandInParser, capture
from .harness_stand_in import stand_in_modules

PAGE = Path(__file__).parents[2] / "docs" / "ml-base.md"
MODULE = "ihp_backend.label_studio.ml_base"
REQUESTS = [
    path.name[:2] for path in sorted(CAPTURES.glob("*.json")) if "label_config" in capture(path.name[:2])["request"]
]


def without_harness() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "label_studio_ml" or name == MODULE]:
        del sys.modules[name]


@pytest.fixture(scope="module", params=["stand-in", "label-studio-ml"])
def ml_base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Our module on the stand-in, and on the package where it is installed."""
    without_harness()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "stand-in":
            sys.modules.update(stand_in_modules())
        else:
            patch.setenv("MODEL_DIR", str(tmp_path_factory.mktemp("kept")))  # where the package keeps its texts
            pytest.importorskip(
                "label_studio_ml.response", reason="label-studio-ml 2 is not installed; docs/ml-base.md says how"
            )
        yield importlib.import_module(MODULE)
    without_harness()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "harness").mkdir()
    return tmp_path / "harness"


@pytest.fixture
def model_class(ml_base: ModuleType, folder: Path) -> Any:
    def load(place: Path) -> Any:
        parser = StandInParser()
        parser.version = place.name
        return parser

    def opened() -> Backend:
        models = ModelCache(cast(Any, StandInParser()), VersionStore(folder / "models"), load)
        predictions = Predictions(models, cast(Any, StandInImages()))
        return Backend(models, predictions, Batches(predictions), EventInbox(folder / "events.sqlite"))

    return type("IHPModel", (ml_base.IHPModel,), {"shared": SharedBackend(opened)})


@pytest.fixture
def client(model_class: Any) -> FlaskClient:
    """The harness around our model."""
    api = importlib.import_module("label_studio_ml.api")
    return cast(FlaskClient, api.init_app(model_class=model_class).test_client())


@pytest.fixture
def server(tmp_path: Path) -> FlaskClient:
    """Our own server."""
    settings = ServerSettings(data_dir=tmp_path / "server")
    return create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages())).test_client()


def results(client: FlaskClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["results"])


@pytest.mark.parametrize("number", REQUESTS)
def test_answers_as_the_server_does(client: FlaskClient, server: FlaskClient, number: str) -> None:
    body = capture(number)["request"]
    items = results(client, body)
    assert items == results(server, body)
    assert len(items) == len(body["tasks"])


def test_clicks_are_remembered_from_instance_to_instance(client: FlaskClient, server: FlaskClient) -> None:
    for number in ("10", "11", "12", "20"):
        body = capture(number)["request"]
        assert results(client, body) == results(server, body)
    fresh = results(client, {**capture("12")["request"], "project": "99.1"})
    assert len(fresh[0]["result"]) < len(results(client, capture("12")["request"])[0]["result"])


@pytest.mark.parametrize("config", [None, "", "<View>", "<View><Image name='i' value='$i'/></View>"])
def test_a_config_that_cannot_be_used_is_named_as_elsewhere(
    client: FlaskClient, server: FlaskClient, config: str | None
) -> None:
    body = {**capture("10")["request"], "label_config": config}
    (item,) = results(client, body)
    assert item["error"]["field"] == "label_config"
    assert [item] == results(server, body)


def test_a_failing_task_costs_only_itself(client: FlaskClient, server: FlaskClient) -> None:
    body = capture("04")["request"]
    body["tasks"][0]["data"] = {"image": "/data/upload/missing.png"}
    failed, answered = items = results(client, body)
    assert "import the task again" in failed["error"]["remedy"]
    assert "result" not in failed
    assert answered["result"]
    assert items == results(server, body)


def test_a_request_without_context_gets_every_part(client: FlaskClient) -> None:
    body = capture("03")["request"]
    everything = results(client, body)
    assert everything[0]["result"]
    del body["params"]
    assert results(client, body) == everything


@pytest.mark.parametrize(
    ("tasks", "context", "field"),
    [
        ([], None, "tasks"),
        (["task"], None, r"tasks\[0\]"),
        ([{"id": 1}], "click", "params.context"),
        ([{"id": 1}], {"result": {}}, "params.context.result"),
    ],
)
def test_malformed_calls_are_named(model_class: Any, tasks: Any, context: Any, field: str) -> None:
    with pytest.raises(RequestError, match=f"^{field}: "):
        model_class(project_id="4").predict(tasks, context)


def test_the_version_told_is_the_one_that_answers(client: FlaskClient, folder: Path) -> None:
    body, setup = capture("03")["request"], capture("01")["request"]
    project = setup["project"].partition(".")[0]

    def versions(setup: dict[str, Any]) -> list[str]:
        told = client.post("/setup", json=setup).get_json()["model_version"]
        return [told, *(item["model_version"] for item in results(client, {**body, "project": setup["project"]}))]

    assert versions(setup) == ["stand-in-1"] * 2
    store = VersionStore(folder / "models")
    with store.making(project, "lesson-1") as place:
        (place / "model.json").write_text("{}")
    store.promote(project, "lesson-1", "gate")
    assert versions(setup) == ["lesson-1"] * 2
    assert versions({**setup, "project": "99.1"}) == ["stand-in-1"] * 2
    store.rollback(project)
    assert versions(setup) == ["stand-in-1"] * 2


@pytest.mark.parametrize("change", [{"schema": ""}, {"extra_params": {"a": 1}}, {"extra_params": '{"a": 1}'}])
def test_every_setup_is_answered(client: FlaskClient, change: dict[str, Any]) -> None:
    answer = client.post("/setup", json={**capture("01")["request"], **change})
    assert (answer.status_code, answer.get_json()) == (200, {"model_version": "stand-in-1"})


@pytest.mark.parametrize("wild", ["\ud800", 10**400, float("nan"), ["\ud800"], {"id": "\0"}])
def test_wild_values_are_mended_as_by_the_server(
    client: FlaskClient, server: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, wild: Any
) -> None:
    event = capture("40")["request"]
    event["annotation"]["completed_by"] = event["task"]["id"] = wild
    clicked = capture("25")["request"]
    clicked["tasks"][0]["id"] = clicked["params"]["context"]["result"][0]["id"] = wild
    answers = []
    for each in (client, server):
        assert each.post("/webhook", data=json.dumps(event), content_type="application/json").status_code == 201
        answer = each.post("/predict", data=json.dumps(clicked), content_type="application/json")
        assert answer.status_code == 200
        answers.append(answer.get_json()["results"])
    assert answers[0] == answers[1]
    assert "the body was changed" in caplog.text
    assert [event.kind for event in EventInbox(folder / "events.sqlite").events()] == ["ANNOTATION_CREATED"]


def test_events_are_recorded_as_the_server_does(
    client: FlaskClient, server: FlaskClient, folder: Path, tmp_path: Path
) -> None:
    for number in ("10", "11", "12"):
        for each in (client, server):
            results(each, capture(number)["request"])
    clicked, numbers = capture("12")["request"], ("40", "41", "42", "43", "44", "46")
    events = [capture(number)["request"] for number in numbers]
    events[1]["annotation"]["task"] = events[1]["task"]["id"] = clicked["tasks"][0]["id"]
    events[1]["project"]["id"] = int(clicked["project"].partition(".")[0])
    for count, event in enumerate(events, 1):
        answer = client.post("/webhook", json=event)
        assert (answer.status_code, answer.get_json()["result"]) == (201, {"status": "recorded", "event": count})
        server.post("/webhook", json=event)
    stored = [
        [(event.kind, event.payload) for event in EventInbox(place / "events.sqlite").events()]
        for place in (folder, tmp_path / "server")
    ]
    assert stored[0] == stored[1]
    assert stored[0][1][1]["ihp_clicks"] == {str(clicked["tasks"][0]["id"]): 3}


def test_the_worker_learns_of_what_was_handed_over(client: FlaskClient, folder: Path) -> None:
    event = capture("40")["request"]
    client.post("/webhook", json=event)
    workspace = Workspace(folder)
    ingest(workspace.inbox, workspace.annotation_store)
    (current,) = workspace.annotation_store.current(str(event["project"]["id"]))
    assert (current.id, current.task) == (event["annotation"]["id"], event["task"]["id"])


def test_any_event_may_be_handed_over(model_class: Any, folder: Path) -> None:
    model = model_class(project_id="4")
    assert (
        model.fit("ANNOTATIONS_DELETED", {"annotations": [{"id": 2}], "project": {"id": 4}}, job_id="x")["event"] == 1
    )
    with pytest.raises(RequestError, match=r"^action: "):
        model.fit("", {})
    with pytest.raises(RequestError, match=r"^data: "):
        model.fit("START_TRAINING", [])
    assert [event.kind for event in EventInbox(folder / "events.sqlite").events()] == ["ANNOTATIONS_DELETED"]


def test_no_event_is_acknowledged_that_is_not_stored(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results(client, capture("10")["request"])

    def fail(*_: Any) -> Any:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Database, "_connect", fail)
        assert client.post("/webhook", json=capture("40")["request"]).status_code == 500
    assert EventInbox(folder / "events.sqlite").count() == 0
    assert client.post("/webhook", json=capture("40")["request"]).status_code == 201


def test_the_two_files_of_the_page_make_an_application(
    ml_base: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, wsgi = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "model.py").write_text(model)
    (tmp_path / "_wsgi.py").write_text(wsgi)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("model", "_wsgi"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    app = importlib.import_module("_wsgi").app
    assert importlib.import_module("model").NewModel is ml_base.IHPModel
    assert {"/predict", "/setup", "/webhook"} <= {rule.rule for rule in app.url_map.iter_rules()}


@pytest.mark.parametrize("installed", ["nothing", "an old one"])
def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, installed: str) -> None:
    without_harness()
    modules = stand_in_modules()
    vars(modules["label_studio_ml.model"])["LabelStudioMLBase"] = object
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, cast(Any, None if installed == "nothing" else module))
    with pytest.raises(ImportError, match=r"^label_studio_ml: .*pip install git\+https://.*or use ihp serve"):
        importlib.import_module(MODULE)
