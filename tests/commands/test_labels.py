"""`ihp labels` against a stand-in for Label Studio; tests/contract has the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast

import pytest

from ihp_backend.label_studio.api.client import LabelStudio
from ihp_backend.label_studio.predict import shared_backend as opening
from ihp_backend.label_studio.predict.model_cache import OneModel
from tests.commands.test_accepted import run
from tests.label_studio.image_server import ImageServer, sends
from tests.server.stand_in import StandInParser

CONFIG = """<View><!-- <Label value="top"/> --><Image name="i" value="$image"/>
<BrushLabels name="b" toName="i"><Label value="Top" alias="top"/><Label value="shoes"/><Label value="wings"/>
</BrushLabels>
<KeyPointLabels name="k" toName="i" smart="true"><Label value="Top" alias="top"/><Label value="shoes"/></KeyPointLabels>
</View>"""


class StandInProject(ImageServer):
    """One project, whose labelling config can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.config = CONFIG
        self.changes = 0
        self.routes["/api/projects/5/"] = self._project

    def _project(self, handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "PATCH":
            self.config = json.loads(cast(Any, handler).body)["label_config"]
            self.changes += 1
        sends(json.dumps({"id": 5, "label_config": self.config}).encode(), "application/json")(handler)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInProject]:
    monkeypatch.setenv("IHP_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(opening, "open_model_cache", lambda settings: OneModel(cast(Any, StandInParser())))
    monkeypatch.setattr(LabelStudio.__init__, "__defaults__", (None, (0.0, 0.0)))
    monkeypatch.setenv("COLUMNS", "200")
    with StandInProject() as server:
        monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
        yield server
        server.shutdown()


def test_what_becomes_what_is_shown(project: StandInProject) -> None:
    shown = run("labels", 5)
    assert shown.exit_code == 0, shown.output
    rows = [" ".join(line.replace("│", " ").split()) for line in shown.output.splitlines()]
    assert "Top upper clothes another word" in rows
    assert "shoes left shoe, right shoe its parts" in rows
    assert "wings none the model has no such label" in rows
    assert "background to it: hat, hair, glove, sunglasses, dress, coat" in shown.output
    assert project.changes == 0


def test_what_is_set_is_kept_in_the_labelling_config(project: StandInProject) -> None:
    changed = run(
        "labels", project.url, 5, "--set", "Top=Jacket, upper-clothes", "--set", "shoes = right shoe", "--json"
    )
    assert changed.exit_code == 0, changed.output
    told = json.loads(changed.output)
    assert told["matched"]["Top"] == ["coat", "upper clothes"]
    assert told["matched"]["shoes"] == ["right shoe"]
    assert told["origins"]["Top"] == "predicted_values"
    assert told["model_version"] == StandInParser().version
    assert {"coat", "right shoe"}.isdisjoint(told["unused"])
    assert '<!-- <Label value="top"/> -->' in project.config
    assert project.config.count('predicted_values="Jacket, upper-clothes"') == 2
    # Nothing given: the name decides again.
    assert json.loads(run("labels", 5, "--set", "Top=", "--json").output)["matched"]["Top"] == ["upper clothes"]
    # Taken from the model.
    told = json.loads(run("labels", 5, "--set", "Top=background", "--json").output)
    assert "Top" in told["unmatched"]
    assert "upper clothes" in told["unused"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Top", "'Top' says nothing; write LABEL=NAMES"),
        ("=coat", "says nothing"),
        ("Top=coat, aeroplane", "the model has no 'aeroplane' for 'Top'; it knows background, hat"),
        ("Bottom=pants", "the labelling config has no <Label> 'Bottom'; it has Top, shoes, wings"),
        ("top=coat", "the labelling config has no <Label> 'top'"),
    ],
)
def test_what_cannot_be_set_changes_nothing(project: StandInProject, given: str, said: str) -> None:
    refused = run("labels", 5, "--set", "shoes=left shoe", "--set", given)
    assert refused.exit_code == 1
    assert said in refused.output
    assert (project.changes, project.config) == (0, CONFIG)


def test_predicted_values_that_the_model_does_not_have_are_told(project: StandInProject) -> None:
    project.config = CONFIG.replace('value="wings"', 'value="wings" predicted_values="feathers"')
    assert "predicted_values of 'wings' name 'feathers', which the model does not have" in run("labels", 5).output
