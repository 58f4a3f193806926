"""What a mask's form costs the page, by labels and megapixels: ``python -m tests.benchmarks.editor.forms``.

The real Label Studio, ``ihp serve`` and a headless Chromium, as in ``tests.benchmarks.editor``. A picture of sixteen
discs is clicked until 1, 4, 8 and 16 labels are answered. At each number some clicks are timed until their pixels are
on the screen, and as many others by the main thread's time, which Chromium counts (``Performance.getMetrics``), until
the page is idle; looking at the canvas takes time of the main thread itself, so no click is measured both ways.

The form ``picture`` is a brush's mask as ``maskDataURL``, which the backend does not answer (docs/editor.md says why):
the recorder between Label Studio and backend puts it in the place of the RLE.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from playwright.sync_api import CDPSession, Page
from rich.console import Console
from rich.table import Table

from ihp_backend.label_studio.config.config_writer import Masks, labelling_config
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.labels import LabelSet
from tests.benchmarks.__main__ import conditions
from tests.benchmarks.editor.annotator import FREE
from tests.benchmarks.editor.painting import painting, watch
from tests.benchmarks.editor.recorder import recording
from tests.contract.editor import Editor, browser_page, chromium_for
from tests.contract.installation import Installation, new_project, running

SIDE = 4
"""Discs in a row and in a column of the picture."""

PARTS = LabelSet(names=("background", *(f"part {number}" for number in range(1, SIDE**2 + 1))))
FORMS = ("rle", "picture", "bitmask", "polygon")
IDLE = 5.0
"""Milliseconds of work in ``STEP`` up to which the page counts as idle."""

STEP = 250
"""Milliseconds between two looks at the main thread's time."""


@dataclass(frozen=True)
class Cost:
    """What a click costs, medians over the clicks of one form, size of photograph and number of labels.

    Attributes:
        form: of the masks.
        megapixels: of the photograph.
        labels: answered.
        pixels_ms: from the press of the mouse until the pixels are on the screen.
        thread_ms: the main thread's time from the press of the mouse until the page is idle.
        script_ms: JavaScript's part of it.
        kilobytes: of the answer.
    """

    form: str
    megapixels: float
    labels: int
    pixels_ms: float
    thread_ms: float
    script_ms: float
    kilobytes: float


def discs(megapixels: float, path: Path) -> None:
    """Writes a picture of ``SIDE`` x ``SIDE`` discs, each of a colour of its own, two by three in shape."""
    width = round((megapixels * 1e6 / 1.5) ** 0.5)
    picture = Image.new("RGB", (width, round(1.5 * width)), (128, 128, 128))
    draw = ImageDraw.Draw(picture)
    colours = np.random.default_rng(0).permutation(
        [(r, g, b) for r in (30, 220) for g in (30, 120, 220) for b in (30, 120, 220)]
    )
    for number in range(SIDE**2):
        x, y = (share / 100 * side for share, side in zip(centre(number), picture.size, strict=True))
        radius = width / SIDE / 3
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tuple(map(int, colours[number])))
    picture.save(path, quality=92)


def centre(number: int) -> tuple[float, float]:
    """Of a disc, in percent of width and height."""
    row, column = divmod(number, SIDE)
    return (column + 0.5) * 100 / SIDE, (row + 0.5) * 100 / SIDE


def config(form: str) -> tuple[str, dict[str, str]]:
    """The labelling config of a form, and the key of each part."""
    tags: dict[str, Masks] = {"bitmask": "BitmaskLabels", "polygon": "PolygonLabels"}
    text = labelling_config(PARTS, masks=tags.get(form, "BrushLabels"))
    keys = re.findall(r'<Label value="(part \d+)"[^>]*hotkey="([^"+]+|shift\+\w)"', text)
    return text, dict(keys)


def with_pictures(answer: bytes) -> bytes:
    """The answer with ``maskDataURL`` instead of RLE, as the editor wants it: white where the mask is."""
    content = json.loads(answer)
    for item in content.get("results", ()):
        for record, region in zip(item["result"], list(mask_regions(item["result"])), strict=True):
            picture = _white(region.mask())
            del record["value"]["rle"]
            record["value"]["maskDataURL"] = picture
    return json.dumps(content).encode()


def _white(mask: NDArray[np.bool_]) -> str:
    written = io.BytesIO()
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    Image.merge("LA", (grey, grey)).save(written, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def main_thread(session: CDPSession) -> tuple[float, float]:
    """Milliseconds of the page's main thread so far: in all, and of JavaScript."""
    found = {metric["name"]: metric["value"] * 1000 for metric in session.send("Performance.getMetrics")["metrics"]}
    return found["TaskDuration"], found["ScriptDuration"]


def until_idle(page: Page, session: CDPSession) -> tuple[float, float]:
    """Milliseconds as from ``main_thread``, once the page does nothing any more."""
    before = main_thread(session)
    while True:
        page.wait_for_timeout(STEP)
        now = main_thread(session)
        if now[0] - before[0] < IDLE and not page.evaluate("() => Htx.awaitingSuggestions"):
            return now
        before = now


class Clicking:
    """Clicks on the discs of one task.

    Args:
        editor: with the task open and the smart tool chosen.
        session: of Chromium's DevTools.
        keys: of the labels.
    """

    def __init__(self, editor: Editor, session: CDPSession, keys: dict[str, str]) -> None:
        self._editor, self._session, self._keys = editor, session, keys
        self._turns = count()

    def click(self, part: int) -> tuple[int, int]:
        """Number of labels in the answer, and its bytes."""
        page = self._editor.page
        across, down = centre(part)
        for turn in islice(self._turns, 100):  # Elsewhere in the disc each time.
            angle, reach = 2.4 * turn, 2 + turn % 5
            x, y = across + reach * np.cos(angle), down + reach * np.sin(angle) / 1.5
            if page.evaluate(FREE, [x, y]):
                break
        with page.expect_response(lambda answer: "interactive-annotating" in answer.url) as answer:
            self._editor.click_only(self._keys[PARTS.names[part + 1]], x, y)
        body = answer.value.body()
        return len({tuple(record["value"][record["type"]]) for record in json.loads(body)["data"]["result"]}), len(body)

    def timed(self, part: int) -> float:
        """Milliseconds until the pixels are on the screen."""
        page = self._editor.page
        watch(page)
        self.click(part)
        seen = painting(page)
        return (seen.answered if seen.painted is None else seen.painted) - seen.pressed

    def counted(self, part: int) -> tuple[NDArray[np.float64], int, int]:
        """Milliseconds of the main thread and of JavaScript for a click; labels and bytes of the answer."""
        before = main_thread(self._session)
        labels, size = self.click(part)
        return np.subtract(until_idle(self._editor.page, self._session), before), labels, size


def measure(
    installation: Installation, page: Page, form: str, megapixels: float, numbers: Sequence[int], repeats: int
) -> Iterator[Cost]:
    """The costs of one form on one photograph, by number of labels."""
    text, keys = config(form)
    port = urlsplit(installation.backend_url).port
    assert port is not None
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    with (
        recording(port, with_pictures if form == "picture" else None) as recorder,
        tempfile.TemporaryDirectory() as folder,
    ):
        photograph = Path(folder) / "discs.jpg"
        discs(megapixels, photograph)
        project = new_project(installation, [photograph], recorder.url, text)
        editor = Editor(page, installation.client.url)
        page.evaluate("() => localStorage.removeItem('autoAnnotation')")
        editor.open(project.id, project.tasks[0]["id"])
        editor.switch_on_clicks()
        clicking, clicked = Clicking(editor, session, keys), 0
        for number in numbers:
            for part in range(clicked, number):
                clicking.click(part)
            until_idle(page, session)
            clicked = number
            times, spent, found = [], [], []
            for repeat in range(repeats):
                times.append(clicking.timed(repeat % number))
                milliseconds, *answer = clicking.counted((repeat + 1) % number)
                spent.append(milliseconds)
                found.append(answer)
            thread, script = np.median(spent, axis=0).tolist()
            labels, size = map(round, np.median(found, axis=0).tolist())
            yield Cost(form, megapixels, labels, statistics.median(times), thread, script, size / 1000)
    session.detach()


def table(costs: Sequence[Cost]) -> Table:
    """A row for each size and number of labels, the forms beside one another."""
    shown = Table(title="click to pixels / main thread, milliseconds", title_justify="left")
    forms = list(dict.fromkeys(cost.form for cost in costs))
    for heading in ("megapixels", "labels", *forms):
        shown.add_column(heading, justify="right")
    for megapixels, labels in dict.fromkeys((cost.megapixels, cost.labels) for cost in costs):
        cells = [
            next(
                (
                    f"{cost.pixels_ms:.0f} / {cost.thread_ms:.0f}"
                    for cost in costs
                    if (cost.form, cost.megapixels, cost.labels) == (form, megapixels, labels)
                ),
                "",
            )
            for form in forms
        ]
        shown.add_row(f"{megapixels:g}", str(labels), *cells)
    return shown


def plot(costs: Sequence[Cost], file: Path) -> None:
    """Click to pixels and the main thread's time by labels, a column for each size of photograph."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = list(dict.fromkeys(cost.megapixels for cost in costs))
    figure, axes = pyplot.subplots(2, len(sizes), figsize=(3 * len(sizes), 5.4), squeeze=False, sharex=True)
    for column, megapixels in enumerate(sizes):
        for form in dict.fromkeys(cost.form for cost in costs):
            of_form = [cost for cost in costs if (cost.form, cost.megapixels) == (form, megapixels)]
            labels = [cost.labels for cost in of_form]
            axes[0, column].plot(labels, [cost.pixels_ms for cost in of_form], marker="o", label=form)
            axes[1, column].plot(labels, [cost.thread_ms for cost in of_form], marker="o", label=form)
        axes[0, column].set(title=f"{megapixels:g} megapixels", ylim=(0, None))
        axes[1, column].set(xlabel="labels answered", ylim=(0, None))
        for row in (0, 1):
            axes[row, column].grid(alpha=0.3)
    axes[0, 0].set_ylabel("click to pixels, ms")
    axes[1, 0].set_ylabel("main thread per click, ms")
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=100)
    pyplot.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write JSON and a plot."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.editor.forms",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = partial(parser.add_argument, nargs="+")
    add("--forms", choices=FORMS, default=list(FORMS), help="of masks (default: all)")
    add("--megapixels", type=float, default=[0.25, 2, 6, 12], help="of the photographs (default: 0.25 2 6 12)")
    add("--labels", type=int, default=[1, 4, 8, 16], help=f"answered, at most {SIDE**2} (default: 1 4 8 16)")
    parser.add_argument("--repeats", type=int, default=3, help="clicks for each figure (default: 3)")
    parser.add_argument("--out", type=Path, default=Path("bench/forms"), help="folder (default: bench/forms)")
    chosen = parser.parse_args(arguments)
    numbers = sorted(set(chosen.labels))
    if not 1 <= numbers[0] <= numbers[-1] <= SIDE**2 or chosen.repeats < 1 or min(chosen.megapixels) <= 0:
        parser.error(f"--labels 1 to {SIDE**2}, --repeats at least 1 and --megapixels above 0 are needed")
    program = chromium_for(parser)

    console = Console(width=120)
    chosen.out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {**conditions(), "repeats": chosen.repeats}
    costs: list[Cost] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as installation,
        browser_page(program) as page,
    ):
        report["model"] = installation.status()["model_version"]
        Editor(page, installation.client.url).log_in(installation.account)
        for megapixels in chosen.megapixels:
            for form in chosen.forms:
                for cost in measure(installation, page, form, megapixels, numbers, chosen.repeats):
                    costs.append(cost)
                    report["costs"] = [asdict(each) for each in costs]  # An interrupted run keeps what it has.
                    (chosen.out / "forms.json").write_text(json.dumps(report, indent=2) + "\n")
                    console.print(
                        f"{form}, {megapixels:g} megapixels, {cost.labels} labels: {cost.pixels_ms:.0f} ms", style="dim"
                    )
    plot(costs, chosen.out / "forms.png")
    console.print(table(costs))
    console.print(f"written: {chosen.out}/forms.json and forms.png", markup=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
