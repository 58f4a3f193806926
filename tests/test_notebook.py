"""examples/from_photograph_to_fine_tuning.ipynb runs from its first cell to its last."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
CELLS = json.loads((ROOT / "examples" / "from_photograph_to_fine_tuning.ipynb").read_text())["cells"]


def source(kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == kind]


def test_nothing_of_a_run_is_kept_in_it() -> None:
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS if cell["cell_type"] == "code"
    )


@pytest.mark.slow
def test_it_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    said: list[str] = []
    for cell in source("code"):
        if cell.startswith("!ihp "):
            words = cell.removeprefix("!ihp ").format(**names).split()
            done = subprocess.run(
                [sys.executable, "-m", "ihp_backend.cli", *words],
                capture_output=True,
                text=True,
                check=False,
                timeout=900,
            )
            assert done.returncode == 0, cell + done.stdout + done.stderr
            said.append(done.stdout)
        else:
            exec(compile(cell, "<cell>", "exec"), names)
    assert isinstance(names["shown"](names["corrected"].label_map), Image.Image)
    printed = capsys.readouterr().out
    assert "of the pixels changed" in printed
    assert "3 events" in printed
    accepted, trained, versions = said
    assert "3 photographs" in accepted
    assert "rejected" in trained or "promoted" in trained
    assert versions.strip()
