from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ihp_backend.cli import app


def ihp(*arguments: Any) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_serve_says_which_setting_is_wrong(tmp_path: Path) -> None:
    assert ihp("serve", "--port", "99999")[0] == 1
    assert "IHP_PORT (--port): 99999 is out of range" in ihp("serve", "--port", "99999")[1]


@pytest.mark.parametrize("asked", ["--version", "version"])
def test_the_version(asked: str) -> None:
    told = CliRunner().invoke(app, [asked])
    assert (told.exit_code, told.output) == (0, f"ihp-backend {metadata.version('ihp-backend')}\n")


def test_help_in_a_narrow_window_shows_the_options_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = ihp("serve", "--help")[1]
    assert "--without-credentials " in shown
    assert "--no-fine-tuning " in shown
    assert "--lessons" not in shown
    assert "by default 192" in " ".join(shown.replace("│", " ").split())
