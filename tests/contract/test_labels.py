"""`ihp labels` with the real Label Studio: what it sets is kept there, and the next answer goes by it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from examples.demo.settings import PHOTOGRAPHS
from ihp_backend.label_studio.config.config_writer import labelling_config
from ihp_backend.labels import LabelSet

from .installation import Installation, Project, new_project
from .regions import decoded

pytestmark = pytest.mark.label_studio


def labels(installation: Installation, *arguments: object) -> dict[str, Any]:
    """What the command says, as a user runs it beside the backend."""
    done = subprocess.run(
        [sys.executable, "-m", "ihp_backend.cli", "labels", installation.client.url, *map(str, arguments), "--json",
         "--data-dir", str(installation.folder / "backend")],
        env={**os.environ, "LABEL_STUDIO_API_KEY": installation.account.token, "NO_PROXY": "localhost,127.0.0.1"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_a_coat_becomes_a_top_from_the_next_answer_on(installation: Installation) -> None:
    config = labelling_config(LabelSet(("background", "face", "top", "shoes")))
    plain, changed = (
        new_project(installation, [PHOTOGRAPHS / "grace_hopper.jpg"], label_config=config) for _ in range(2)
    )

    def pre_annotated(project: Project) -> set[str]:
        project.client.retrieve_predictions(project.id)
        [prediction] = project.client.get("/api/predictions/", task=project.tasks[0]["id"])
        return {label for label, mask in decoded(prediction["result"]).items() if mask.mean() > 0.1}

    told = labels(installation, changed.id)
    assert (told["matched"]["top"], told["matched"]["shoes"]) == (["upper clothes"], ["left shoe", "right shoe"])
    assert "coat" in told["unused"]
    assert labels(installation, changed.id, "--set", "top=upper clothes, coat")["origins"]["top"] == "predicted_values"

    kept = changed.client.get(f"/api/projects/{changed.id}/")["label_config"]
    assert kept.count('predicted_values="upper clothes, coat"') == config.count('value="top"') == 2
    assert "top" in pre_annotated(changed)
    assert "top" not in pre_annotated(plain)
    shown = installation.status()["label_mappings"]
    assert shown[str(changed.id)]["matched"]["top"] == ["upper clothes", "coat"]
    assert shown[str(plain.id)]["matched"]["top"] == ["upper clothes"]
