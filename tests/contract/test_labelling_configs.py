"""The labelling configs in examples/ are taken by the real Label Studio."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS
from ihp_backend.label_studio.api.client import ApiError
from ihp_backend.label_studio.config.config_writer import hotkeys, labelling_config
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.labels import LabelSet

from .editor import Editor
from .installation import Installation, new_project
from .page_scripts import CHOSEN

pytestmark = [pytest.mark.label_studio, pytest.mark.timeout(600)]

FILES = sorted(LABELLING_CONFIG.parent.glob("*.xml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_label_studio_reads_the_labels_that_we_read(installation: Installation, file: Path) -> None:
    config = parse_labelling_config(file.read_text())
    project = installation.client.create_project(f"Config {file.stem}", file.read_text())
    told = installation.client.get(f"/api/projects/{project['id']}/")["parsed_label_config"]
    assert told["click"]["labels"] == list(config.labels)
    assert set(told["part"]["labels"]) == {target.label for target in config.targets}
    assert [tag["value"] for tag in told["part"]["inputs"]] == [image.data_key for image in config.images]


def test_label_studio_refuses_what_is_no_config(installation: Installation) -> None:
    with pytest.raises(ApiError, match="400"):
        installation.client.create_project("Config broken", '<View><BrushLabels name="b" toName="nothing"/></View>')


def test_every_hotkey_of_a_hundred_labels_chooses_its_label(page: Page, installation: Installation) -> None:
    labels = LabelSet(("background", *(f"part {number}" for number in range(1, 101))))
    project = new_project(installation, [PHOTOGRAPHS / "grace_hopper.jpg"], label_config=labelling_config(labels))
    editor = Editor(page, installation.client.url)
    editor.open(project.id, project.tasks[0]["id"])
    editor.switch_on_clicks()
    chosen = {}
    for name, key in zip(labels.names, hotkeys(labels.names), strict=True):
        *held, last = str(key).split("+")
        code = f"Digit{last}" if last.isdecimal() else f"Key{last.upper()}"
        page.keyboard.press("+".join([*map(str.capitalize, held), code]))
        chosen[name] = page.evaluate(CHOSEN)
    assert chosen == {name: [f"click: {name}"] for name in labels.names}
