"""Label Studio's editor in a headless Chromium, driven the way an annotator does it."""

from __future__ import annotations

import os
import shutil
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright

from examples.demo.label_studio import Account
from ihp_backend.label_studio.api.client import Record

from .installation import LABEL_STUDIO_ENVIRONMENT
from .page_scripts import CLICKS, LABELS, POSITION, READY, SCORES, TICK

# Besides being quiet: no name but this machine's is looked up, so that nothing can depend on another.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]

VIEWPORT: ViewportSize = {"width": 1600, "height": 1120}
"""Of a page, large enough for picture, labels and panels."""


def chromium() -> str | None:
    """The Chromium to drive: IHP_CHROMIUM, or the one installed on this machine."""
    named = os.environ.get("IHP_CHROMIUM")
    candidates = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, candidates)), None)


def chromium_for(command: ArgumentParser) -> str:
    """The same for a command that needs it, and Label Studio too; without them the command ends and says so."""
    program = chromium()
    if program is None or not LABEL_STUDIO_ENVIRONMENT.exists():
        command.error("Chromium or Label Studio is missing: apt install chromium, make test")
    return program


@contextmanager
def browser_page(program: str) -> Iterator[Page]:
    """A page of a fresh browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            page = browser.new_context(viewport=VIEWPORT).new_page()
            page.set_default_timeout(60_000)
            yield page
        finally:
            browser.close()


class Editor:
    """One annotator at one task."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def log_in(self, account: Account) -> None:
        """Through the login form."""
        self._hand_in("/user/login", account)

    def sign_up(self, account: Account) -> None:
        """Through the form for new users, who join the one organisation there is."""
        self._hand_in("/user/signup", account)

    def _hand_in(self, form: str, account: Account) -> None:
        self.page.goto(f"{self.url}{form}/")
        self.page.fill("input[name=email]", account.email)
        self.page.fill("input[name=password]", account.password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda address: form not in address)

    def open(self, project: int, task: int) -> None:
        """Open a task and wait for its photograph."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        self.page.wait_for_function(READY)

    def switch_on_clicks(self) -> None:
        """Auto-Annotation on, smart keypoint tool chosen. By mouse: keys do nothing while the switch has the focus."""
        if not self.page.evaluate("() => Htx.autoAnnotation"):  # The page remembers the switch from task to task.
            self.page.get_by_text("Auto-Annotation", exact=True).click()
        self.page.click(".lsf-tool_smart")

    def accept_at_once(self) -> None:
        """Auto-Accept Suggestions on."""
        self.page.get_by_test_id("bottombar-auto-accept-toggle").evaluate("toggle => toggle.checked || toggle.click()")
        self.page.wait_for_function("() => Htx.autoAcceptSuggestions")

    def click(
        self, hotkey: str, x: float, y: float, wanted: set[str] | None, negative: bool = False, on_mask: bool = False
    ) -> list[Record]:
        """Choose a label by its key, click at x and y percent, wait until exactly the wanted labels are suggested.

        Args:
            hotkey: the label's.
            x, y: where.
            wanted: the labels that must be suggested in the end; None: whatever is.
            negative: with Alt.
            on_mask: with Ctrl, without which a click on an accepted mask selects it.

        Returns:
            The regions that the backend answered.
        """
        held = [key for key, down in (("Alt", negative), ("Control", on_mask)) if down]
        with self._answer() as answer:
            self.click_only(hotkey, x, y, held)
        if wanted is None:
            self.page.wait_for_timeout(1000)
        else:
            self.wait_for(wanted, suggested=True)
        return list(answer.value.json()["data"]["result"])

    def click_only(self, hotkey: str, x: float, y: float, held: Sequence[str] = ()) -> None:
        """Choose a label by its key and click at x and y percent, without waiting for an answer."""
        self.page.keyboard.press(hotkey)
        left, top = self.page.evaluate(POSITION, [x, y])
        for key in held:
            self.page.keyboard.down(key)
        self.page.mouse.click(left, top)
        for key in held:
            self.page.keyboard.up(key)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> list[Record]:
        """Drag the click at one place to another; gives the regions that the backend answered."""
        from_, to = (self.page.evaluate(POSITION, list(place)) for place in (start, end))
        with self._answer() as answer:
            self.page.mouse.move(*from_)
            self.page.mouse.down()
            self.page.mouse.move(*to, steps=8)
            self.page.mouse.up()
        return list(answer.value.json()["data"]["result"])

    def undo(self) -> None:
        """Ctrl+Z, with the pointer away from the photograph."""
        self.page.mouse.move(5, 5)
        self.page.keyboard.press("Control+z")

    def zoom_in(self) -> None:
        """The magnifying glass in the tool bar, and back to the smart tool."""
        self.page.get_by_label("zoom-in").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.objects[0].zoomScale > 1")

    def switch_to_clicks(self) -> None:
        """The smart keypoint tool again, after another one."""
        self.page.click(".lsf-tool_smart")

    def zoom_out(self) -> None:
        """The other magnifying glass, until the whole photograph is there again."""
        while self.page.evaluate("() => Htx.annotationStore.selected.objects[0].zoomScale > 1"):
            self.page.get_by_label("zoom-out").click()

    def paint(self, label: str, start: tuple[float, float], end: tuple[float, float], *, erase: bool = False) -> None:
        """Select a label's mask in the list of regions and draw a stroke into it with the brush, or the eraser."""
        self.page.locator(".lsf-outliner-item").filter(has_text=label).first.click()
        self.page.locator(
            "[aria-label=eraser]" if erase else "[aria-label=brush-tool], [aria-label=bitmask-tool]"
        ).click()
        from_, to = (self.page.evaluate(POSITION, list(place)) for place in (start, end))
        self.page.mouse.move(*from_)
        self.page.mouse.down()
        self.page.mouse.move(*to, steps=10)
        self.page.mouse.up()
        self.page.keyboard.press("Escape")

    def wait_for(self, wanted: set[str], suggested: bool) -> None:
        """Wait until exactly these labels have masks."""
        deadline = time.monotonic() + 60
        while (found := self.labels(suggested)) != sorted(wanted):
            assert time.monotonic() < deadline, f"found: {found}, wanted: {sorted(wanted)}"
            self.page.wait_for_timeout(100)

    def _answer(self) -> AbstractContextManager[Any]:
        return self.page.expect_response(lambda answer: "interactive-annotating" in answer.url)

    def labels(self, suggested: bool) -> list[str]:
        """The labels of the suggested masks, or of the masks in the annotation."""
        return list(self.page.evaluate(LABELS, suggested))

    def scores(self) -> dict[str, float]:
        """What the list of regions says of each mask: its label and its score."""
        return dict(self.page.evaluate(SCORES))

    def clicks(self) -> list[str]:
        """The label of every click that stands."""
        return list(self.page.evaluate(CLICKS))

    def accept_one(self, label: str) -> None:
        """The tick in the middle of one suggested mask."""
        x, y = self.page.evaluate(TICK, label)
        self.page.mouse.click(x, y)
        self.page.wait_for_function(
            "label => [...Htx.annotationStore.selected.areas.values()].some("
            "region => region.type === 'brushregion' && region.labels.includes(label))",
            arg=label,
        )

    def accept(self) -> None:
        """The green tick at the bottom; all suggestions become masks of the annotation."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.suggestions.size === 0")

    def submit(self) -> None:
        """Press Submit and wait until Label Studio has the annotation."""
        self._save("bottombar-submit-button", "POST", 201)

    def update(self) -> None:
        """Press Update, which stands in Submit's place once there is an annotation."""
        self._save("bottombar-update-button", "PATCH", 200)

    def _save(self, button: str, method: str, status: int) -> None:
        with self.page.expect_response(
            lambda answer: answer.request.method == method and "/annotations" in answer.url
        ) as answer:
            self.page.get_by_test_id(button).click()
        assert answer.value.status == status, answer.value.status

    def screenshot(self, path: Path) -> None:
        """Keep what is on the screen."""
        # The pointer away from the picture, or its cross-hair is in it.
        self.page.mouse.move(5, 5)
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=path)
