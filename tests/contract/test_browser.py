"""An annotator's work in the real editor: clicks, masks, acceptance, submission."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from examples.demo.settings import PHOTOGRAPHS

from .editor import Editor
from .installation import Installation, Project, eventually
from .regions import COAT, COLLINS, FACE, HAIR, at, decoded

pytestmark = pytest.mark.label_studio

BESIDE_THE_FACE = (33.0, 26.0)


def test_parts_are_clicked_accepted_and_submitted(
    page: Page, installation: Installation, make_project: Callable[[list[Path]], Project]
) -> None:
    project = make_project([PHOTOGRAPHS / "eileen_collins.jpg"])
    task = project.tasks[0]["id"]
    before = installation.status()["events_recorded"]
    editor = Editor(page, installation.client.url)
    editor.open(project.id, task)
    assert editor.labels(suggested=False) == [], "a task must open without masks, they would catch the clicks"
    editor.switch_on_clicks()
    editor.click("a", *HAIR, wanted={"hair"})
    # Earlier labels' suggestions are replaced by each answer, so the backend must repeat them.
    editor.click("f", *FACE, wanted={"hair", "face"})
    editor.click("o", *COAT, wanted={"hair", "face", "coat"})
    editor.click("f", *BESIDE_THE_FACE, wanted={"hair", "face", "coat"}, negative=True)
    editor.accept()
    assert editor.labels(suggested=False) == ["coat", "face", "hair"]
    editor.submit()
    [annotation] = project.client.annotations(task)
    masks = decoded(annotation["result"])
    assert masks.keys() == {"hair", "face", "coat"}
    for label, place in (("hair", HAIR), ("face", FACE), ("coat", COAT)):
        assert masks[label].shape == COLLINS[::-1]
        assert at(masks[label], place), f"the click on {label} is not in it"
    assert not at(masks["face"], BESIDE_THE_FACE), "Alt+click says: not here"
    assert eventually(lambda: installation.status()["events_recorded"] > before)
