"""The screenshots of the docs, made anew: ``python -m tests.contract.screenshots [--model ...] [--out docs]``.

One of the editor after clicks on several labels, one of a task that was pre-annotated. The photograph is one that
anybody may share (examples/photographs/README.md).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from PIL import Image

from examples.demo.settings import PHOTOGRAPHS

from .editor import Editor, browser_page, chromium_for
from .installation import Installation, new_project, running

PHOTOGRAPH = PHOTOGRAPHS / "eileen_collins.jpg"
CLICKS = (
    ("hair", "a", 46.0, 12.0),
    ("face", "f", 44.0, 23.5),
    ("coat", "o", 15.0, 62.0),
    ("accessory", "y", 84.0, 88.0),
    ("upper clothes", "c", 40.0, 36.0),
)
"""Label, its key, and where in percent."""

MOST_BYTES = 300_000


def after_clicks(editor: Editor, installation: Installation, file: Path) -> None:
    """The suggestions that several clicks brought."""
    project = new_project(installation, [PHOTOGRAPH])
    editor.open(project.id, project.tasks[0]["id"])
    editor.switch_on_clicks()
    for number, (_, hotkey, x, y) in enumerate(CLICKS, start=1):
        editor.click(hotkey, x, y, wanted={label for label, *_ in CLICKS[:number]})
    editor.screenshot(file)


def pre_annotated(editor: Editor, installation: Installation, file: Path) -> None:
    """A task opened after its prediction was fetched."""
    project = new_project(installation, [PHOTOGRAPH], show_collab_predictions=True)
    project.client.retrieve_predictions(project.id)
    editor.open(project.id, project.tasks[0]["id"])
    editor.page.wait_for_function("() => document.querySelectorAll('.lsf-outliner-item').length > 2")
    editor.page.wait_for_timeout(2000)  # Masks are decoded one after the other.
    editor.screenshot(file)


def shrink(file: Path) -> None:
    """Few enough colours for ``MOST_BYTES``.

    Raises:
        ValueError: it is larger even so.
    """
    with Image.open(file) as shown:
        small = shown.convert("RGB")
    small.thumbnail((1200, 1200))
    for colours in (256, 128, 64, 32):
        small.quantize(colours).save(file, optimize=True)
        if file.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{file} has {file.stat().st_size} bytes, {MOST_BYTES} were allowed")


def main() -> None:
    """Makes editor.png and pre-annotated.png."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract.screenshots", description=__doc__)
    parser.add_argument("--model", help="name or folder (default: the packaged model)")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder (default: docs)")
    chosen = parser.parse_args()
    program = chromium_for(parser)
    options = ["--model", chosen.model] if chosen.model else []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), options) as installation,
        browser_page(program) as page,
    ):
        editor = Editor(page, installation.client.url)
        editor.log_in(installation.account)
        for name, make in (("editor.png", after_clicks), ("pre-annotated.png", pre_annotated)):
            make(editor, installation, chosen.out / name)
            shrink(chosen.out / name)


if __name__ == "__main__":
    main()
