"""An annotator's work in the real editor: clicks, masks, acceptance, submission."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.demo.settings import PHOTOGRAPHS

from .editor import Editor, browser_page, chromium
from .installation import Installation, Project, eventually
from .regions import decoded

pytestmark = pytest.mark.label_studio

SIDE = 512
"""Width and height of eileen_collins.jpg; parts on it below are in percent of them."""

HAIR, FACE, COAT, BESIDE_THE_FACE = (46.0, 12.0), (44.0, 23.5), (15.0, 62.0), (33.0, 26.0)


def test_parts_are_clicked_accepted_and_submitted(
    installation: Installation, make_project: Callable[[list[Path]], Project]
) -> None:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine, so the editor is not tested: apt install chromium, or IHP_CHROMIUM=…")
    project = make_project([PHOTOGRAPHS / "eileen_collins.jpg"])
    task = project.tasks[0]["id"]
    before = installation.status()["events_recorded"]
    with browser_page(program) as page:
        editor = Editor(page, installation.client.url)
        editor.log_in(installation.account)
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
        assert masks[label].shape == (SIDE, SIDE)
        assert at(masks[label], place), f"the click on {label} is not in it"
    assert not at(masks["face"], BESIDE_THE_FACE), "Alt+click says: not here"
    assert eventually(lambda: installation.status()["events_recorded"] > before)


def at(mask: NDArray[np.bool_], place: tuple[float, float]) -> bool:
    """The mask's pixel at x and y percent."""
    x, y = (int(percent * SIDE / 100) for percent in place)
    return bool(mask[y, x])
