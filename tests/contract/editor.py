"""Label Studio's editor in a headless Chromium, driven the way an annotator does it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from examples.demo.label_studio import Account

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

# The editor exposes its store as window.Htx; the image is ready when its own size is known.
READY = """() => {
  const image = window.Htx?.annotationStore?.selected?.objects?.[0];
  return Boolean(image?.stageRef) && image.naturalWidth > 1;
}"""
POSITION = """([x, y]) => {
  const image = Htx.annotationStore.selected.objects[0], stage = image.stageRef;
  const corner = stage.container().getBoundingClientRect();
  const point = stage.getAbsoluteTransform().point({x: x / 100 * image.stageWidth, y: y / 100 * image.stageHeight});
  return [corner.left + point.x, corner.top + point.y];
}"""
# Masks at hand: suggestions not accepted yet, or regions of the annotation; clicks are regions, too, and left out.
LABELS = """(suggested) => {
  const annotation = Htx.annotationStore.selected;
  return [...(suggested ? annotation.suggestions : annotation.areas).values()]
    .filter(region => region.type === 'brushregion')
    .flatMap(region => region.results.flatMap(result => result.mainValue)).sort();
}"""


def chromium() -> str | None:
    """The Chromium to drive: IHP_CHROMIUM, or the one installed on this machine."""
    named = os.environ.get("IHP_CHROMIUM")
    candidates = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, candidates)), None)


@contextmanager
def browser_page(program: str) -> Iterator[Page]:
    """A page of a fresh browser, large enough for picture, labels and panels."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 1600, "height": 1120})
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
        self.page.goto(f"{self.url}/user/login/")
        self.page.fill("input[name=email]", account.email)
        self.page.fill("input[name=password]", account.password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda address: "/user/login" not in address)

    def open(self, project: int, task: int) -> None:
        """Open a task and wait for its photograph."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        self.page.wait_for_function(READY)

    def switch_on_clicks(self) -> None:
        """Auto-Annotation on, smart keypoint tool chosen. By mouse: keys do nothing while the switch has the focus."""
        self.page.get_by_text("Auto-Annotation", exact=True).click()
        self.page.click(".lsf-tool_smart")

    def click(self, hotkey: str, x: float, y: float, wanted: set[str], negative: bool = False) -> None:
        """Choose a label by its key, click at x and y percent, wait until exactly the wanted labels are suggested."""
        self.page.keyboard.press(hotkey)
        left, top = self.page.evaluate(POSITION, [x, y])
        with self.page.expect_response(lambda answer: "interactive-annotating" in answer.url):
            if negative:
                self.page.keyboard.down("Alt")
            self.page.mouse.click(left, top)
            if negative:
                self.page.keyboard.up("Alt")
        deadline = time.monotonic() + 30
        while (found := self.labels(suggested=True)) != sorted(wanted):
            assert time.monotonic() < deadline, f"suggested: {found}, wanted: {sorted(wanted)}"
            self.page.wait_for_timeout(100)

    def labels(self, suggested: bool) -> list[str]:
        """The labels of the suggested masks, or of the masks in the annotation."""
        return list(self.page.evaluate(LABELS, suggested))

    def accept(self) -> None:
        """The green tick at the bottom; all suggestions become masks of the annotation."""
        self.page.get_by_test_id("bottombar-accept-suggestions-button").click()
        self.page.wait_for_function("() => Htx.annotationStore.selected.suggestions.size === 0")

    def submit(self) -> None:
        """Press Submit and wait until Label Studio has the annotation."""
        with self.page.expect_response(
            lambda answer: answer.request.method == "POST" and "/annotations" in answer.url
        ) as answer:
            self.page.get_by_test_id("bottombar-submit-button").click()
        assert answer.value.status == 201, answer.value.status

    def screenshot(self, path: Path) -> None:
        """Keep what is on the screen."""
        # The pointer away from the picture, or its cross-hair is in it.
        self.page.mouse.move(5, 5)
        self.page.wait_for_timeout(500)
        self.page.screenshot(path=path)
