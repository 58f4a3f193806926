"""`ihp serve`: what it hands to the server that it starts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ihp_backend.cli import app
from ihp_backend.server import serve


def test_the_status_page_tells_of_a_storage_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: dict[str, Any] = {}
    monkeypatch.setattr(serve, "serve", lambda _, **others: handed.update(others))
    storage = tmp_path / "storage"
    storage.mkdir()
    monkeypatch.setenv("IHP_STORAGE", str(storage))
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:9")
    arguments = ["serve", "--data-dir", str(tmp_path / "data"), "--model", "parser", "--no-fine-tuning"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert next(iter(handed["examine"](9090)))["level"] == "ok"
    shutil.rmtree(storage)
    storage.touch()
    found = next(iter(handed["examine"](9090)))
    assert (found["check"], found["level"]) == ("storage", "error")
    assert "check that its folder exists" in found["remedy"]
