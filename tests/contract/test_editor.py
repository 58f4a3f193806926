"""What annotators do in the real editor, and what becomes of their masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from examples.demo.settings import LABELLING_CONFIG, PHOTOGRAPHS
from ihp_backend.label_studio.masks.mask_regions import mask_regions

from .editor import Editor
from .installation import Installation, Project, new_project
from .regions import COAT, COLLINS, FACE, HAIR, at, decoded
from .screen import agreement, picture

pytestmark = [pytest.mark.label_studio, pytest.mark.timeout(900)]

PHOTOGRAPH = PHOTOGRAPHS / "eileen_collins.jpg"
MORE_HAIR, LOWER_FACE = (36.0, 17.0), (44.0, 27.5)
DRAFT_SAVED = 7_000
"""Milliseconds after which the page has saved a draft; it does so at most every five seconds."""


def ready(page: Page, installation: Installation, project: Project) -> Editor:
    """An editor open on the project's first task, ready for clicks."""
    editor = Editor(page, installation.client.url)
    page.evaluate("() => ['autoAnnotation', 'autoAcceptSuggestions'].forEach(name => localStorage.removeItem(name))")
    editor.open(project.id, project.tasks[0]["id"])
    editor.switch_on_clicks()
    return editor


@contextmanager
def at_work(page: Page, installation: Installation, project: Project, screenshots: Path) -> Iterator[Editor]:
    """An editor that is ``ready``; a failure leaves a screenshot."""
    editor = ready(page, installation, project)
    try:
        yield editor
    except BaseException as error:
        file = screenshots / "editor.png"
        editor.screenshot(file)
        error.add_note(f"what was on the screen: {file}")
        raise


MakeProject = Callable[[list[Path]], Project]


def test_clicks_are_taken_up_dragged_and_undone(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    with at_work(page, installation, make_project([PHOTOGRAPH]), screenshots) as editor:
        editor.click("a", *HAIR, wanted={"hair"})
        editor.click("f", *FACE, wanted={"hair", "face"})
        back = decoded(editor.click("a", *MORE_HAIR, wanted={"hair", "face"}))
        assert at(back["hair"], HAIR)
        assert at(back["hair"], MORE_HAIR)
        dragged = decoded(editor.drag(FACE, LOWER_FACE))
        assert at(dragged["face"], LOWER_FACE)
        assert at(dragged["hair"], HAIR)
        page.wait_for_timeout(DRAFT_SAVED)
        for _ in range(8):  # The drag, the second click on hair, the click on the face; a drag may count several times.
            if "face" not in editor.clicks():
                break
            editor.undo()
            page.wait_for_timeout(300)
        assert set(editor.clicks()) == {"hair"}
        page.wait_for_timeout(DRAFT_SAVED)
        left = editor.click("o", *COAT, wanted={"hair", "coat"})
        assert not at(decoded(left)["hair"], COAT)


def test_accepted_at_once_and_clicked_quickly(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = make_project([PHOTOGRAPH])
    with at_work(page, installation, project, screenshots) as editor:
        editor.accept_at_once()
        for hotkey, place in (("a", HAIR), ("f", FACE), ("o", COAT)):
            editor.click_only(hotkey, *place)
        editor.wait_for({"hair", "face", "coat"}, suggested=False)
        editor.submit()
        first = decoded(project.client.annotations(project.tasks[0]["id"])[0]["result"])
        assert all(at(first[label], place) for label, place in (("hair", HAIR), ("face", FACE), ("coat", COAT)))
        # Opened again: a click into the submitted work replaces its mask, the others stay as they were.
        editor.open(project.id, project.tasks[0]["id"])
        editor.wait_for({"hair", "face", "coat"}, suggested=False)
        editor.switch_to_clicks()
        editor.click("a", *MORE_HAIR, wanted=set(), on_mask=True)
        editor.wait_for({"hair", "face", "coat"}, suggested=False)
        editor.update()
    (annotation,) = project.client.annotations(project.tasks[0]["id"])
    second = decoded(annotation["result"])
    assert at(second["hair"], MORE_HAIR)
    assert np.array_equal(second["coat"], first["coat"])


def test_one_suggestion_is_accepted_and_stays_as_it_is(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = make_project([PHOTOGRAPH])
    with at_work(page, installation, project, screenshots) as editor:
        editor.click("a", *HAIR, wanted={"hair"})
        given = decoded(editor.click("f", *FACE, wanted={"hair", "face"}))
        editor.accept_one("hair")
        page.wait_for_timeout(DRAFT_SAVED)
        editor.click("o", *COAT, wanted={"face", "coat"})
        assert editor.labels(suggested=False) == ["hair"]
        editor.accept()
        editor.submit()
    masks = decoded(project.client.annotations(project.tasks[0]["id"])[0]["result"])
    assert masks.keys() == {"hair", "face", "coat"}
    assert np.array_equal(masks["hair"], given["hair"])


def test_zoomed_in_on_a_photograph_that_lies_on_its_side(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path, tmp_path: Path
) -> None:
    lying = Image.open(PHOTOGRAPH).resize((480, 640)).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turn it clockwise to see it upright.
    lying.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    with at_work(page, installation, make_project([tmp_path / "lying.jpg"]), screenshots) as editor:
        editor.zoom_in()
        editor.switch_to_clicks()
        masks = decoded(editor.click("a", *HAIR, wanted={"hair"}))
        assert masks["hair"].shape == (640, 480)
        assert at(masks["hair"], HAIR)
        masks = decoded(editor.click("f", *FACE, wanted={"hair", "face"}))
        assert at(masks["face"], FACE)


@pytest.mark.parametrize("zoomed", [False, True])
def test_the_screen_shows_the_pixels_that_the_model_gave(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path, zoomed: bool
) -> None:
    with at_work(page, installation, make_project([PHOTOGRAPH]), screenshots) as editor:
        if zoomed:
            editor.zoom_in()
            editor.switch_to_clicks()
        before = picture(page)
        mask = decoded(editor.click("a", *HAIR, wanted={"hair"}))["hair"]
        share = agreement(page, before, picture(page), mask)
        assert share > 0.99, f"{share:.1%} of the screen show the mask as it was given"
        # The measure can tell: the same mask a little further to the right is not what is shown.
        assert agreement(page, before, picture(page), np.roll(mask, COLLINS[0] // 16, axis=1)) < 0.97


def test_polygons_instead_of_brushes(page: Page, installation: Installation, screenshots: Path) -> None:
    config = LABELLING_CONFIG.read_text().replace("BrushLabels", "PolygonLabels")
    project = new_project(installation, [PHOTOGRAPH], label_config=config)
    with at_work(page, installation, project, screenshots) as editor:
        editor.click("a", *HAIR, wanted=None)
        editor.click("f", *FACE, wanted=None)
        assert set(editor.labels(suggested=True)) == {"hair", "face"}
        editor.accept()
        editor.submit()
    regions = project.client.annotations(project.tasks[0]["id"])[0]["result"]
    masks = {label: np.zeros(COLLINS[::-1], bool) for label in ("hair", "face")}
    for region in mask_regions(regions):
        assert region.kind == "polygonlabels"
        masks[str(region.label)] |= region.mask()
    assert at(masks["hair"], HAIR)
    assert at(masks["face"], FACE)
    assert not at(masks["face"], HAIR)


def test_a_mask_edited_by_hand_is_not_overwritten(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = make_project([PHOTOGRAPH])
    with at_work(page, installation, project, screenshots) as editor:
        given = decoded(editor.click("a", *HAIR, wanted={"hair"}))["hair"]
        editor.accept()
        editor.paint("hair", (5.0, 90.0), (12.0, 90.0))
        page.wait_for_timeout(DRAFT_SAVED)
        editor.switch_to_clicks()
        editor.click("f", *FACE, wanted={"face"})
        editor.accept()
        editor.submit()
    masks = decoded(project.client.annotations(project.tasks[0]["id"])[0]["result"])
    painted = masks["hair"] & ~given
    assert masks["hair"][given].all()
    assert at(painted, (8.0, 90.0))
    assert cv2.connectedComponents(painted.astype(np.uint8))[0] == 2, "nothing but the stroke was added"
