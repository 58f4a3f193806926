"""Tasks that open with masks: what a click changes of them, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from examples.demo.settings import LABELLING_CONFIG
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks.regions import Place, regions

from .installation import Installation, Project
from .regions import COAT, COLLINS, FACE, HAIR, at, decoded
from .test_editor import DRAFT_SAVED, MORE_HAIR, PHOTOGRAPH, MakeProject, at_work

pytestmark = [pytest.mark.label_studio, pytest.mark.timeout(900)]

HAIR_BOX, COAT_BOX, COAT_AND_FACE_BOX = (30, 5, 60, 16), (5, 50, 60, 95), (5, 18, 60, 95)
"""Left, top, right and bottom of masks, in percent."""


def pre_annotated(make_project: MakeProject, **boxes: tuple[int, int, int, int]) -> Project:
    """A project with a task whose prediction has a rectangle for each of some labels."""
    project = make_project([PHOTOGRAPH])
    config = parse_labelling_config(LABELLING_CONFIG.read_text())
    label_map = np.zeros(COLLINS[::-1], np.uint8)
    targets = {}
    for number, (label, (left, top, right, bottom)) in enumerate(boxes.items(), 1):
        x, y = (slice(int(a * size / 100), int(b * size / 100)) for (a, b), size in zip(
            ((left, right), (top, bottom)), COLLINS, strict=True))  # fmt: skip
        label_map[y, x] = number
        target = config.mask_target(label, "image")
        assert target is not None
        targets[number] = target
    place = Place(str(project.id), str(project.tasks[0]["id"]))
    result = regions(label_map, targets, dict.fromkeys(targets, 0.5), place)
    project.client.post("/api/predictions/", {"task": project.tasks[0]["id"], "model_version": "v", "result": result})
    return project


def test_the_right_label_takes_from_the_mask_that_stands(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = pre_annotated(make_project, hair=HAIR_BOX, coat=COAT_AND_FACE_BOX)
    with at_work(page, installation, project, screenshots) as editor:
        editor.wait_for({"hair", "coat"}, suggested=False)
        before = decoded(project.client.get("/api/predictions/", task=project.tasks[0]["id"])[0]["result"])
        editor.click("f", *FACE, wanted={"face", "coat"}, on_mask=True)
        page.wait_for_timeout(DRAFT_SAVED)
        # The correction still stands when another part is clicked.
        editor.click("f", *FACE, wanted={"face", "coat"}, on_mask=True)
        editor.accept()
        editor.submit()
    (annotation,) = project.client.annotations(project.tasks[0]["id"])
    after = decoded(annotation["result"])
    assert at(after["face"], FACE)
    assert not (after["coat"] & ~before["coat"]).any(), "a mask that is not clicked only loses"
    assert not (after["coat"] & after["face"]).any()
    assert at(after["coat"], COAT)
    assert np.array_equal(after["hair"], before["hair"])


def test_a_correction_is_there_until_it_is_accepted(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = pre_annotated(make_project, hair=HAIR_BOX, coat=COAT_BOX)
    with at_work(page, installation, project, screenshots) as editor:
        editor.wait_for({"hair", "coat"}, suggested=False)
        corrected = decoded(editor.click("a", *MORE_HAIR, wanted={"hair"}, on_mask=True))["hair"]
        page.wait_for_timeout(DRAFT_SAVED)
        editor.click("f", *FACE, wanted={"hair", "face"})
        editor.accept()
        page.wait_for_timeout(DRAFT_SAVED)
        editor.click("d", 90.0, 90.0, wanted=None)
        assert "hair" not in editor.labels(suggested=True), "what is accepted is not answered again"
        editor.submit()
    (annotation,) = project.client.annotations(project.tasks[0]["id"])
    hair = decoded([region for region in annotation["result"] if region["type"] == "brushlabels"])["hair"]
    assert at(hair, MORE_HAIR)
    assert at(hair, HAIR)
    assert at(corrected, MORE_HAIR)


def test_a_click_that_is_undone_is_forgotten(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = pre_annotated(make_project, hair=HAIR_BOX)
    with at_work(page, installation, project, screenshots) as editor:
        editor.wait_for({"hair"}, suggested=False)
        editor.click("f", *FACE, wanted={"face"})
        page.wait_for_timeout(DRAFT_SAVED)
        assert at(decoded(editor.click("a", *COAT, wanted={"hair", "face"}))["hair"], COAT)
        editor.undo()
        page.wait_for_timeout(2 * DRAFT_SAVED)
        again = decoded(editor.click("a", *MORE_HAIR, wanted={"hair", "face"}, on_mask=True))
    assert at(again["hair"], MORE_HAIR)
    assert not at(again["hair"], COAT)
