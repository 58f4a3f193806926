"""Several annotators, several tabs, a restart in between, and what the editor says of scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from examples.demo.label_studio import Account

from .editor import VIEWPORT, Editor
from .installation import Installation, eventually
from .regions import COAT, FACE, HAIR, at, decoded
from .test_editor import DRAFT_SAVED, MORE_HAIR, PHOTOGRAPH, MakeProject, at_work, ready

pytestmark = [pytest.mark.label_studio, pytest.mark.timeout(900)]


@contextmanager
def another_annotator(page: Page, installation: Installation, email: str) -> Iterator[Page]:
    """A page in which a new user is logged in, with cookies of their own."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport=VIEWPORT)
    try:
        theirs = context.new_page()
        theirs.set_default_timeout(60_000)
        Editor(theirs, installation.client.url).sign_up(Account.random(email))
        yield theirs
    finally:
        context.close()


def test_two_annotators_on_one_task(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = make_project([PHOTOGRAPH])
    task = project.tasks[0]["id"]
    with (
        another_annotator(page, installation, "second@example.com") as other,
        at_work(page, installation, project, screenshots) as first,
    ):
        first.click("a", *HAIR, wanted={"hair"})
        page.wait_for_timeout(DRAFT_SAVED)  # Only drafts tell whose clicks they are.
        first.click("f", *FACE, wanted={"hair", "face"})
        second = ready(other, installation, project)
        second.click("o", *COAT, wanted={"coat"})
        other.wait_for_timeout(DRAFT_SAVED)
        first.click("a", *MORE_HAIR, wanted={"hair", "face"})
        second.accept()
        before = installation.status()["events_recorded"]
        second.submit()
        assert eventually(lambda: installation.status()["events_recorded"] > before)
        first.click("f", FACE[0], FACE[1] + 3, wanted={"hair", "face"})
        first.accept()
        first.submit()
    theirs, mine = sorted(project.client.annotations(task), key=lambda annotation: int(annotation["id"]))
    assert theirs["completed_by"] != mine["completed_by"]
    assert decoded(theirs["result"]).keys() == {"coat"}
    assert decoded(mine["result"]).keys() == {"hair", "face"}


@pytest.mark.slow  # tests/label_studio/test_click_memory.py looks at whose clicks stand.
def test_two_tabs_of_one_annotator(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    project = make_project([PHOTOGRAPH])
    with at_work(page, installation, project, screenshots) as left:
        tab = page.context.new_page()
        tab.set_default_timeout(60_000)
        try:
            tab.goto(installation.client.url)
            right = ready(tab, installation, project)
            left.click("a", *HAIR, wanted={"hair"})
            page.wait_for_timeout(DRAFT_SAVED)
            # The same annotator's work: it is answered in either tab, though this one was opened before it was begun.
            right.click("f", *FACE, wanted={"hair", "face"})
            tab.wait_for_timeout(DRAFT_SAVED)
            masks = decoded(left.click("o", *COAT, wanted={"hair", "face", "coat"}))
            assert all(at(masks[label], place) for label, place in (("hair", HAIR), ("face", FACE), ("coat", COAT)))
            left.accept()
            left.submit()
            answered = decoded(right.click("f", FACE[0], FACE[1] + 3, wanted=None))
            assert at(answered["face"], FACE), "the other tab goes on with the clicks that it shows"
        finally:
            tab.close()
    (annotation,) = project.client.annotations(project.tasks[0]["id"])
    assert decoded(annotation["result"]).keys() == {"hair", "face", "coat"}


def test_the_backend_is_restarted_between_two_clicks(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    with at_work(page, installation, make_project([PHOTOGRAPH]), screenshots) as editor:
        # Saved drafts would tell of the clicks, too; without them only the backend's own memory can.
        page.route("**/api/**/drafts**", lambda route: route.abort())
        try:
            editor.click("a", *HAIR, wanted={"hair"})
            editor.click("f", *FACE, wanted={"hair", "face"})
            installation.restart_backend()
            masks = decoded(editor.click("o", *COAT, wanted={"hair", "face", "coat"}))
        finally:
            page.unroute("**/api/**/drafts**")
        assert all(at(masks[label], place) for label, place in (("hair", HAIR), ("face", FACE), ("coat", COAT)))


def test_scores_are_shown_with_their_labels(
    page: Page, installation: Installation, make_project: MakeProject, screenshots: Path
) -> None:
    with at_work(page, installation, make_project([PHOTOGRAPH]), screenshots) as editor:
        editor.click("a", *HAIR, wanted={"hair"})
        regions = editor.click("f", *FACE, wanted={"hair", "face"})
        editor.accept()
        shown = editor.scores()
    told = {region["value"]["brushlabels"][0]: region["score"] for region in regions}
    assert shown == pytest.approx(told, abs=0.0051), "two digits of each score"
    assert len(set(told.values())) == 2
