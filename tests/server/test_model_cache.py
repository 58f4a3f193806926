"""Promoted versions serve at once and without a restart; tasks in work keep theirs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask

from ihp_backend.label_studio.predict.model_cache import ModelCache
from ihp_backend.model_registry.versions import VersionStore
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.server import app as app_module
from ihp_backend.server.app import create_app
from ihp_backend.server.journal import Journal
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture


def make(store: VersionStore, version: str, project: str = "2") -> None:
    with store.making(project, version) as folder:
        (folder / "model.json").write_text(version)


def loaded(folder: Path, **_: Any) -> Any:
    text = (folder / "model.json").read_text()
    if text == "bad":
        raise CheckpointError(f"model: {folder} is refused")
    parser = StandInParser()
    parser.version = text
    return parser


@pytest.fixture
def store(tmp_path: Path) -> VersionStore:
    return VersionStore(tmp_path / "models")


@pytest.fixture
def model_cache(store: VersionStore) -> ModelCache:
    return ModelCache(cast(Any, StandInParser()), store, loaded)


def test_a_promotion_serves_at_once_and_so_does_a_rollback(model_cache: ModelCache, store: VersionStore) -> None:
    assert model_cache.of_project("2").version == "stand-in-1"
    for version in ("v1", "v2"):
        make(store, version)
        store.promote("2", version, "gate")
        assert model_cache.of_project("2").version == version
        assert model_cache.of_project("2") is model_cache.of_project("2")
    assert model_cache.of_project("3").version == "stand-in-1"
    assert model_cache.versions() == ["stand-in-1", "v2"]
    store.rollback("2")
    assert model_cache.of_project("2").version == "v1"
    store.rollback("2")
    assert model_cache.of_project("2").version == "stand-in-1"


def test_a_task_keeps_the_version_with_which_it_was_begun(model_cache: ModelCache, store: VersionStore) -> None:
    make(store, "v1")
    assert model_cache.of_task("2", "7").version == "stand-in-1"
    store.promote("2", "v1", "gate")
    assert model_cache.of_task("2", "7").version == "stand-in-1"
    assert model_cache.of_task("2", "8").version == "v1"
    model_cache.forget("2", "7")
    assert model_cache.of_task("2", "7").version == "v1"


def test_of_tasks_in_work_the_least_recently_used_gives_way(
    store: VersionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ihp_backend.label_studio.predict.model_cache.MOST_TASKS", 2)
    model_cache = ModelCache(cast(Any, StandInParser()), store, loaded)
    make(store, "v1")
    for task in ("7", "8", "7"):
        model_cache.of_task("2", task)
    store.promote("2", "v1", "gate")
    assert [model_cache.of_task("2", task).version for task in ("9", "7", "8")] == ["v1", "stand-in-1", "v1"]


@pytest.mark.parametrize("damage", ["bad", "truncated"])
def test_a_version_that_cannot_be_loaded_does_not_serve(store: VersionStore, damage: str) -> None:
    journal = Journal()
    model_cache = ModelCache(cast(Any, StandInParser()), store, loaded, journal.note)
    make(store, "v1")
    store.promote("2", "v1", "gate")
    assert model_cache.of_project("2").version == "v1"
    make(store, "bad")
    store.promote("2", "bad", "forced")
    if damage == "truncated":
        (store.folder("2", "bad") / "model.json").write_text("ba")
    for _ in range(3):
        assert model_cache.of_project("2").version == "v1"
    (error,) = journal.to_json()["errors"]
    assert (error["field"], error["times"]) == ("version", 1)
    store.rollback("2")
    assert model_cache.of_project("2").version == "v1"


def test_while_one_is_loaded_the_others_are_answered(store: VersionStore) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slowly(folder: Path) -> Any:
        entered.set()
        assert go_on.wait(20)
        return loaded(folder)

    model_cache = ModelCache(cast(Any, StandInParser()), store, slowly)
    make(store, "v1")
    store.promote("2", "v1", "gate")
    thread = threading.Thread(target=model_cache.of_project, args=("2",))
    thread.start()
    assert entered.wait(20)
    assert model_cache.of_project("2").version == "stand-in-1"
    go_on.set()
    thread.join()
    assert model_cache.of_project("2").version == "v1"


def test_label_studio_hears_of_the_new_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module.Parser, "from_pretrained", loaded)
    settings = ServerSettings(data_dir=tmp_path / "data", max_body_mebibytes=1)
    app: Flask = create_app(cast(Any, StandInParser()), settings, images=cast(Any, StandInImages()))
    client, click = app.test_client(), capture("10")["request"]
    project = str(click["project"]).partition(".")[0]
    batch = {**click, "params": {**click["params"], "context": None}}

    def versions() -> list[str]:
        setup = {"project": click["project"], "schema": click["label_config"]}
        answers = [client.post("/predict", json=body).get_json()["results"][0] for body in (click, batch)]
        return [client.post("/setup", json=setup).get_json()["model_version"], *(a["model_version"] for a in answers)]

    assert versions() == ["stand-in-1"] * 3
    store = VersionStore(tmp_path / "data" / "models")
    make(store, "v1", project)
    store.promote(project, "v1", "gate")
    # The task that was begun before keeps its model.
    assert versions() == ["v1", "stand-in-1", "v1"]
    assert client.get("/versions").get_json()["versions"] == ["stand-in-1", "v1"]
    submitted = {
        "action": "ANNOTATION_CREATED",
        "project": {"id": int(project)},
        "task": {"id": click["tasks"][0]["id"]},
    }
    client.post("/webhook", json=submitted)
    assert versions() == ["v1"] * 3
