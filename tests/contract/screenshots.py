"""The screenshots of the docs, made anew: ``python -m tests.contract.screenshots [--model ...] [--out docs]``.

One of the editor after clicks on several labels, one of a task that was pre-annotated, and five from an empty
photograph to the next task. The photographs are ones that anybody may share (examples/photographs/README.md).
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

COLLAR = (36.5, 34.0)
"""Of metal; it is taken for a piece of the coat."""

NEXT = PHOTOGRAPHS / "grace_hopper.jpg"
MARK = """([selector, text]) => {
  const fitting = [...document.querySelectorAll(selector)].filter(one => !text || one.textContent.trim() === text);
  const found = fitting[fitting.length - 1];
  const box = found.getBoundingClientRect(), mark = document.createElement('div');
  mark.className = 'mark';
  Object.assign(mark.style, {position: 'fixed', left: `${box.left - 6}px`, top: `${box.top - 6}px`, zIndex: 9999,
    width: `${box.width + 12}px`, height: `${box.height + 12}px`, border: '4px solid #e00', borderRadius: '8px',
    pointerEvents: 'none'});
  document.body.append(mark);
}"""
"""Draws a red frame around what a picture is about."""

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


def walk(editor: Editor, installation: Installation, folder: Path) -> None:
    """From an empty photograph to the next task, in five pictures."""
    folder.mkdir(exist_ok=True)
    project = new_project(installation, [PHOTOGRAPH, NEXT])

    def keep(name: str, *marked: tuple[str, str]) -> None:
        for one in marked:
            editor.page.evaluate(MARK, list(one))
        editor.screenshot(folder / f"{name}.png")
        editor.page.evaluate("() => document.querySelectorAll('.mark').forEach(mark => mark.remove())")

    editor.open(project.id, project.tasks[0]["id"])
    keep("1-opened", ("label, span, div", "Auto-Annotation"))
    editor.switch_on_clicks()
    keep("2-tool", (".lsf-tool_smart", ""))
    for _, hotkey, x, y in CLICKS[:3]:
        editor.click(hotkey, x, y, wanted=None)
    keep("3-clicked")
    _, hotkey, x, y = CLICKS[3]
    editor.click(hotkey, x, y, wanted=None)
    editor.click("o", *COLLAR, wanted=None, negative=True)
    keep("4-corrected", ("[data-testid=bottombar-accept-suggestions-button]", ""))
    editor.accept()
    keep("5-accepted", ("[data-testid=bottombar-submit-button]", ""))
    for file in sorted(folder.glob("*.png")):
        shrink(file, 1000)
    moving(folder, folder / "clicking.gif")


def moving(folder: Path, file: Path) -> None:
    """The pictures of ``walk`` one after the other, as a GIF: the photograph and what is around it."""
    frames = []
    for picture in sorted(folder.glob("*.png")):
        with Image.open(picture) as shown:
            frames.append(shown.convert("RGB").resize((800, round(800 * shown.height / shown.width))).quantize(96))
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=[1500] * (len(frames) - 1) + [3000], loop=0)


def shrink(file: Path, side: int = 1200) -> None:
    """At most so many pixels a side, and few enough colours for ``MOST_BYTES``.

    Raises:
        ValueError: it is larger even so.
    """
    with Image.open(file) as shown:
        small = shown.convert("RGB")
    small.thumbnail((side, side))
    for colours in (256, 128, 64, 32):
        small.quantize(colours).save(file, optimize=True)
        if file.stat().st_size <= MOST_BYTES:
            return
    raise ValueError(f"{file} has {file.stat().st_size} bytes, {MOST_BYTES} were allowed")


def main() -> None:
    """Makes editor.png, pre-annotated.png and annotate/."""
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
        walk(editor, installation, chosen.out / "annotate")
        for name, make in (("editor.png", after_clicks), ("pre-annotated.png", pre_annotated)):
            make(editor, installation, chosen.out / name)
            shrink(chosen.out / name)


if __name__ == "__main__":
    main()
