"""Measure clicks in the real editor: ``python -m tests.benchmarks.editor --clicks 100``."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page
from rich.console import Console

from examples.demo.settings import LABELLING_CONFIG
from tests.benchmarks.__main__ import conditions
from tests.benchmarks.editor.annotator import Annotator
from tests.benchmarks.editor.legs import TimedClick, as_record, join, split, stages, summary
from tests.benchmarks.editor.painting import QUIET, SIDE, Painting, painting, watch
from tests.benchmarks.editor.photographs import Photograph, made_up, real
from tests.benchmarks.editor.recorder import Exchange, Recorder, recording
from tests.benchmarks.editor.report import plot, table, verdicts
from tests.contract.editor import Editor, browser_page, chromium_for
from tests.contract.installation import Installation, new_project, running

TAGS = {"brush": "BrushLabels", "bitmask": "BitmaskLabels", "polygon": "PolygonLabels"}
"""Tags for masks by the shape in which they are answered."""


def one_click(
    page: Page, editor: Editor, annotator: Annotator, recorder: Recorder
) -> tuple[str, int, Painting, Exchange]:
    """Its label, how many labels were answered, what the page saw and what the recorder saw."""
    label, hotkey, x, y = annotator.next()
    watch(page)
    with page.expect_response(lambda answer: "interactive-annotating" in answer.url) as answer:
        editor.click_only(hotkey, x, y)
    seen = painting(page)
    regions = answer.value.json()["data"]["result"]
    annotator.see(regions)
    asked = json.loads(answer.value.request.post_data or "")
    return label, len(regions), seen, recorder.of(asked["context"]["result"][-1]["id"])


def measure(
    installation: Installation, program: str, photographs: list[Photograph], clicks: int, seed: int, masks: str
) -> Iterator[tuple[TimedClick, Painting]]:
    """Clicks on a task per photograph, as many on each."""
    config = LABELLING_CONFIG.read_text().replace("BrushLabels", TAGS[masks])
    port = urlsplit(installation.backend_url).port
    assert port is not None
    with recording(port) as recorder, browser_page(program) as page:
        project = new_project(installation, [photograph.path for photograph in photographs], recorder.url, config)
        editor = Editor(page, installation.client.url)
        editor.log_in(installation.account)
        for task, (record, photograph) in enumerate(zip(project.tasks, photographs, strict=True)):
            page.evaluate("() => localStorage.removeItem('autoAnnotation')")
            editor.open(project.id, record["id"])
            editor.switch_on_clicks()
            annotator = Annotator(page, photograph.parsing, seed + task)
            for number in range(clicks // len(photographs) + (task < clicks % len(photographs))):
                label, labels, seen, exchange = one_click(page, editor, annotator, recorder)
                legs = join(seen, exchange)
                changed = seen.painted is not None
                sizes = exchange.asked, exchange.answered
                yield TimedClick(task, number, label, labels, legs, exchange.stages, changed, *sizes), seen


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write JSON and a plot."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.editor", description=__doc__)
    parser.add_argument("--clicks", type=int, default=100, help="in all (default: 100)")
    parser.add_argument("--tasks", type=int, default=5, help="photographs they are spread over (default: 5)")
    parser.add_argument("--model", help="name or folder (default: the packaged model)")
    parser.add_argument("--photographs", type=Path, help="folder of the CCP person crops (default: made-up pictures)")
    parser.add_argument("--masks", choices=TAGS, default="brush", help="what takes the masks (default: brush)")
    parser.add_argument("--seed", type=int, default=0, help="of the simulated annotator (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("bench/editor"), help="folder (default: bench/editor)")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.tasks <= chosen.clicks:
        parser.error(f"--tasks {chosen.tasks}, --clicks {chosen.clicks}: every task needs a click")
    program = chromium_for(parser)

    console = Console(width=120)
    report: dict[str, Any] = conditions()
    found: list[tuple[TimedClick, Painting]] = []
    with tempfile.TemporaryDirectory() as folder:
        photographs = (
            real(chosen.tasks, chosen.photographs)
            if chosen.photographs
            else made_up(chosen.tasks, Path(folder) / "photographs")
        )
        options = ["--model", chosen.model] if chosen.model else []
        with running(Path(folder), options) as installation:
            report["model"] = installation.status()["model_version"]
            for each in measure(installation, program, photographs, chosen.clicks, chosen.seed, chosen.masks):
                found.append(each)
                console.print(f"{len(found)}: {each[0].label}, {each[0].total:.0f} ms", style="dim", markup=False)
    clicks, paintings = zip(*found, strict=True)
    parts = {"all": clicks, **split(clicks)}
    report |= {
        "photographs": str(chosen.photographs or "made up"),
        "tasks": chosen.tasks,
        "masks": chosen.masks,
        "seed": chosen.seed,
        "resolution": {
            "grid": f"{SIDE} x {SIDE} points of the canvas",
            "frame_ms": sum(seen.frame for seen in paintings) / len(paintings),
            "looking_ms": sum(seen.looking for seen in paintings) / len(paintings),
            "quiet_ms": QUIET,
        },
        "nothing_to_paint": sum(not click.seen for click in clicks),
        "summary": {name: summary(of_part) for name, of_part in parts.items()},
        "backend_stages": {name: stages(of_part) for name, of_part in parts.items()},
        "clicks": [as_record(click) for click in clicks],
    }
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "editor.json").write_text(json.dumps(report, indent=2) + "\n")
    plot(clicks, chosen.out / "editor.png")
    console.print(table(clicks))
    for line in verdicts(clicks):
        console.print(line, markup=False)
    console.print(f"written: {chosen.out}/editor.json and editor.png", markup=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
