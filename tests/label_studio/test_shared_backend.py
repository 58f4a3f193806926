"""Threads share one backend, opened from the environment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.label_studio.backend_settings import BackendSettings
from ihp_backend.label_studio.predict.shared_backend import SharedBackend, open_backend
from ihp_backend.parsing.checkpoint import CheckpointError, read_checkpoint


def test_many_threads_open_one() -> None:
    together, opened = threading.Barrier(8), []

    def opener() -> Any:
        time.sleep(0.05)
        opened.append(object())
        return opened[-1]

    shared = SharedBackend(opener)

    def ask(_: int) -> Any:
        together.wait(20)
        return shared.get()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == set(opened)
    assert len(opened) == 1


def test_a_failure_is_told_and_not_remembered() -> None:
    answers = iter([OSError("not yet"), None])

    def opener() -> Any:
        answer = next(answers)
        if answer:
            raise answer
        return cast(Any, "backend")

    shared = SharedBackend(opener)
    with pytest.raises(OSError, match="not yet"):
        shared.get()
    assert cast(Any, shared.get()) == "backend"


def test_the_environment_names_model_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("IHP_MODEL", raising=False)
    backend = open_backend()
    assert backend.models.of_project("4").version == read_checkpoint(None).version
    assert backend.inbox.record({"action": "START_TRAINING", "project": {"id": 4}}) == 1
    assert EventInbox(tmp_path / "data" / "events.sqlite").count() == 1


def test_a_model_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        open_backend(BackendSettings(model="nowhere", data_dir=tmp_path))
