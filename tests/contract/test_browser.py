"""An annotator's work in the real editor: clicks, masks, acceptance, submission.

With ``IHP_SCREENSHOT=file.png`` the moment before the masks are accepted is kept as a picture.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .editor import Editor, browser_page, chromium
from .installation import Installation, Project, eventually
from .regions import HOPPER, decoded

pytestmark = pytest.mark.label_studio


def test_two_parts_are_clicked_accepted_and_submitted(installation: Installation, project: Project) -> None:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine, so the editor is not tested: apt install chromium, or IHP_CHROMIUM=…")
    task = project.tasks[0]["id"]
    before = installation.status()["events_recorded"]
    with browser_page(program) as page:
        editor = Editor(page, installation.client.url)
        editor.log_in(installation.account)
        editor.open(project.id, task)
        assert editor.labels(suggested=False) == [], "a task must open without masks, they would catch the clicks"
        editor.switch_on_clicks()
        editor.click("a", x=35.0, y=44.0, wanted={"hair"})
        # Earlier labels' suggestions are replaced by each answer, so the backend must repeat them.
        editor.click("f", x=51.5, y=37.5, wanted={"hair", "face"})
        editor.click("o", x=20.0, y=80.0, wanted={"hair", "face", "coat"})
        editor.click("f", x=51.5, y=55.0, wanted={"hair", "face", "coat"}, negative=True)
        if target := os.environ.get("IHP_SCREENSHOT"):
            editor.screenshot(Path(target))
        editor.accept()
        assert editor.labels(suggested=False) == ["coat", "face", "hair"]
        editor.submit()
    [annotation] = project.client.annotations(task)
    masks = decoded(annotation["result"])
    assert masks.keys() == {"hair", "face", "coat"}
    for label, x, y in (("hair", 35.0, 44.0), ("face", 51.5, 37.5), ("coat", 20.0, 80.0)):
        assert masks[label].shape == (HOPPER[1], HOPPER[0])
        assert masks[label][int(y * HOPPER[1] / 100), int(x * HOPPER[0] / 100)], f"the click on {label} is not in it"
    assert not masks["face"][int(0.55 * HOPPER[1]), int(0.515 * HOPPER[0])], "Alt+click says: not here"
    assert eventually(lambda: installation.status()["events_recorded"] > before)
