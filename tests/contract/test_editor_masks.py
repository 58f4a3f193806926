"""One photograph's way through the real editor with each kind of mask that can be painted on: brush and bitmask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from examples.demo.settings import LABELLING_CONFIG
from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.annotation_store.event_inbox import EVENTS, EventInbox
from ihp_backend.label_studio.annotations.accepted_annotation import read_accepted
from ihp_backend.label_studio.annotations.annotation_events import changes
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.web.image_settings import ImageSettings
from ihp_backend.labels import CCP
from ihp_backend.parsing.parser import Parser
from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .installation import Installation, Project, eventually, new_project
from .regions import COAT, FACE, HAIR, at, click, decoded, same_masks
from .screen import agreement, picture
from .test_editor import DRAFT_SAVED, PHOTOGRAPH, at_work

pytestmark = [pytest.mark.label_studio, pytest.mark.timeout(900)]

SIZE = (480, 640)
"""Width and height of the photograph, seen upright."""

SHUTTLE = (78.0, 40.0)
"""No part of a person: whoever calls it a bag says something new."""

PAINTED, ERASED = ((5.0, 90.0), (12.0, 90.0)), ((12.0, 66.0), (18.0, 66.0))
"""Strokes: one that adds to the hair, one that takes from the coat."""


# What is new to brushes here, test_editor.py looks at in part; bitmasks are painted nowhere else.
@pytest.mark.parametrize("tag", [pytest.param("BrushLabels", marks=pytest.mark.slow), "BitmaskLabels"])
def test_masks_are_painted_accepted_edited_submitted_and_learned_from(
    page: Page, installation: Installation, screenshots: Path, tmp_path: Path, tag: str
) -> None:
    lying = Image.open(PHOTOGRAPH).resize(SIZE).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn it clockwise to see it upright.
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    config = LABELLING_CONFIG.read_text().replace("BrushLabels", tag)
    project = new_project(installation, [tmp_path / "lying.jpg"], label_config=config)
    task = project.tasks[0]["id"]
    with at_work(page, installation, project, screenshots) as editor:
        # Shown as they are, also zoomed in.
        editor.zoom_in()
        editor.switch_to_clicks()
        before = picture(page)
        hair = decoded(editor.click("a", *HAIR, wanted={"hair"}))["hair"]
        assert hair.shape == SIZE[::-1]
        assert agreement(page, before, picture(page), hair) > 0.99
        editor.zoom_out()
        # Accepted, and that undone: the clicks are back, and are answered again.
        editor.click("o", *COAT, wanted={"hair", "coat"})
        editor.accept()
        editor.undo()
        assert editor.labels(suggested=False) == []
        assert set(editor.clicks()) == {"hair", "coat"}
        page.wait_for_timeout(DRAFT_SAVED)  # Only drafts tell of it.
        given = decoded(editor.click("f", *FACE, wanted={"hair", "coat", "face"}))
        editor.accept()
        # By hand; and what is undone is gone.
        editor.paint("hair", *PAINTED)
        editor.paint("coat", *ERASED, erase=True)
        editor.paint("face", *PAINTED)
        editor.undo()
        page.wait_for_timeout(DRAFT_SAVED)
        drafted = check_draft(installation, project, tmp_path / "another worker")
        check_strokes(drafted, given)
        editor.submit()
        (annotation,) = project.client.annotations(task)
        saved = decoded(annotation["result"])
        check_strokes(saved, given)
        assert {region["type"] for region in annotation["result"]} == {tag.lower()}
        # Opened again, what was submitted stays beside what is new.
        editor.open(project.id, task)
        editor.wait_for({"hair", "coat", "face"}, suggested=False)
        editor.switch_to_clicks()
        new = decoded(editor.click("q", *SHUTTLE, wanted={"bag"}))
        editor.accept()
        editor.update()
    (annotation,) = project.client.annotations(task)
    updated = decoded(annotation["result"])
    assert same_masks(updated, {**saved, **new})
    (exported,) = project.client.export(project.id)
    assert same_masks(decoded(exported["annotations"][0]["result"]), updated)
    label_map = learned(installation, project, int(annotation["id"]))
    for name in ("face", "bag"):
        assert np.array_equal(label_map == CCP.id_of(name), updated[name]), "drawn by nobody else"
    assert ((label_map != 255) == np.any(list(updated.values()), axis=0)).all()


def check_strokes(masks: dict[str, Any], given: dict[str, Any]) -> None:
    """The strokes are in the masks, and nothing else was changed."""
    assert masks.keys() == given.keys()
    assert np.array_equal(masks["face"], given["face"]), "a stroke that was undone"
    painted, erased = masks["hair"] & ~given["hair"], given["coat"] & ~masks["coat"]
    assert at(painted, (8.0, 90.0))
    assert at(erased, (15.0, 66.0))
    assert not (given["hair"] & ~masks["hair"]).any()
    assert not (masks["coat"] & ~given["coat"]).any()
    for stroke, (start, end) in ((painted, PAINTED), (erased, ERASED)):
        rows, columns = np.nonzero(stroke)
        assert abs(rows.mean() / SIZE[1] * 100 - start[1]) < 2
        assert start[0] - 6 < columns.min() / SIZE[0] * 100 <= columns.max() / SIZE[0] * 100 < end[0] + 6


def check_draft(installation: Installation, project: Project, folder: Path) -> dict[str, Any]:
    """The masks of the page's draft; a worker that never saw the task before leaves them as they are."""
    task, client = project.tasks[0], project.client
    drafts: list[Record] = client.get(f"/api/tasks/{task['id']}/drafts")
    masks = decoded([region for region in drafts[0]["result"] if region["type"] != "keypointlabels"])
    images = ImageSettings(label_studio_url=client.url, label_studio_api_key=installation.account.token)
    worker = create_app(Parser.from_pretrained(), ServerSettings(data_dir=folder, images=images)).test_client()
    body = {
        "tasks": [{"id": task["id"], "data": task["data"], "drafts": drafts, "annotations": []}],
        "project": str(project.id),
        "label_config": client.get(f"/api/projects/{project.id}/")["label_config"],
        "params": {"context": {"result": [click(("bag", *SHUTTLE), SIZE)]}},
    }
    item = worker.post("/predict", json=body).get_json()["results"][0]
    assert "error" not in item
    answered = decoded(item["result"])
    assert answered.keys() == {"bag"}, "accepted masks are not answered again"
    drawn = np.any(list(masks.values()), axis=0)
    assert (answered["bag"] & drawn).sum() < 0.05 * answered["bag"].sum(), "what is drawn is known"
    return masks


def learned(installation: Installation, project: Project, annotation: int) -> np.ndarray:
    """The label map of an annotation as the newest webhook told it, in the ids of CCP."""
    inbox = EventInbox(installation.folder / "backend" / EVENTS)

    def told() -> list[Annotation]:
        return [
            change
            for event in inbox.events()
            for change in changes(event.payload)
            if isinstance(change, Annotation) and (change.project, change.id) == (str(project.id), annotation)
        ]

    assert eventually(lambda: len(told()) == 2), "submitted and updated"
    config = parse_labelling_config(project.client.get(f"/api/projects/{project.id}/")["label_config"])
    work = read_accepted(told()[-1], config, config.images[0], CCP)
    assert work is not None
    assert work.left_out == ()
    return work.label_map
