"""The live network beside the paper's early fusion: a click in torch and in ONNX Runtime, its stages and its growth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click, central_clicks
from ihp_backend.labels import CCP
from ihp_backend.parsing import Parser, Scene
from ihp_backend.parsing.answer import Answer
from ihp_backend.parsing.engines.onnx_engines import OnnxLiveEngine
from ihp_backend.parsing.geometry import to_working_clicks, working_sides
from tests.benchmarks.clicking import at_once, one_after_another
from tests.benchmarks.timing import Row, timed, timed_in_turn

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "photographs" / "eileen_collins.jpg"
EARLY_FUSION, LIVE = "ccp-deeplab", "ccp-live"
CLICKS, LABELS, MEGAPIXELS = (1, 10, 100, 1000), (2, 24, 100, 250), (0.25, 2.0, 12.0)


def some_clicks(count: int, labels: int, scene: Scene) -> list[Click]:
    """Clicks anywhere, of all labels in turn."""
    rng = np.random.default_rng(0)
    return [
        Click(int(rng.integers(scene.width)), int(rng.integers(scene.height)), number % labels)
        for number in range(count)
    ]


def fitting_clicks(parser: Parser, scene: Scene) -> list[Click]:
    """One in the middle of each part that the model finds by itself, as an annotator would click."""
    return central_clicks(parser.parse(scene, []).label_map, np.random.default_rng(0))


def beside_early_fusion(image: NDArray[np.uint8], live: Parser, live_torch: Parser) -> list[Row]:
    """The same click answered by four parsers in turn."""
    parsers = {
        "parse, early fusion, torch": Parser.from_pretrained(EARLY_FUSION, engine="torch"),
        "parse, early fusion, ONNX Runtime": Parser.from_pretrained(EARLY_FUSION),
        "parse, live, torch": live_torch,
        "parse, live, ONNX Runtime": live,
    }
    scenes = {name: parser.open(image) for name, parser in parsers.items()}
    clicks = fitting_clicks(live, scenes["parse, live, ONNX Runtime"])

    turns = {name: at_once(parser, scenes[name], clicks) for name, parser in parsers.items()}
    first, *others = timed_in_turn(turns, repeats=21)
    rows = [first, *(row.against(first) for row in others)]
    size = f"{image.shape[1]} x {image.shape[0]}, {len(CCP)} labels, {len(clicks)} clicks"
    return [replace(row, note=size) for row in rows]


def stages(image: NDArray[np.uint8], live: Parser) -> list[Row]:
    """Where the time of a live click goes."""
    scene = live.open(image)
    clicks = fitting_clicks(live, scene)
    working = to_working_clicks(clicks, scene.height, scene.width, scene.scale)
    network, engine = live._network, live._engine
    assert isinstance(engine, OnnxLiveEngine)

    def ask() -> Answer:
        engine.forget()
        return network.ask(scene.features, working, None)

    asked = ask()
    obeyed = asked.enforce_clicks(working)
    rows, columns = working_sides(scene.height, scene.width, scene.scale)
    return [
        timed("live: open", lambda: live.open(image)),
        timed("live: planes and decoder", ask),
        timed("live: click enforcement", lambda: asked.enforce_clicks(working)),
        timed("live: label map", lambda: obeyed.label_map(scene.height, scene.width, rows, columns)),
        timed("live: confidence", lambda: obeyed.confidence(obeyed.cells(1.0), len(CCP))),
    ]


def growth(image: NDArray[np.uint8], live: Parser) -> list[Row]:
    """With clicks, labels and pixels, everything else as it was."""
    scene, rows = live.open(image), []

    def both(of: str, parser: Parser, scene: Scene, clicks: list[Click], note: str = "") -> None:
        whole, more = timed_in_turn(
            {
                f"live, {of}": at_once(parser, scene, clicks),
                f"live, {of}, one more": one_after_another(parser, scene, clicks),
            },
            note=note,
        )
        rows.extend([whole, more.against(whole)])

    for count in CLICKS:
        both(f"{count} clicks", live, scene, some_clicks(count, len(CCP), scene))
    for count in LABELS:
        names = ["background", *(f"part {number}" for number in range(1, count))]
        parser = live.with_labels(type(CCP)(tuple(names)), {})
        note = "a click on each, none known by name"
        both(f"{count} labels", parser, scene, some_clicks(count, count, scene), note)
    for megapixels in MEGAPIXELS:
        side = round((megapixels * 1e6) ** 0.5)
        larger = live.open(np.asarray(cv2.resize(image, (side, side)), np.uint8))
        both(f"{megapixels:g} MP", live, larger, fitting_clicks(live, larger))
    return rows


def measure() -> list[Row]:
    """All of it."""
    image = np.array(Image.open(PHOTOGRAPH).convert("RGB"))
    live, live_torch = Parser.from_pretrained(LIVE), Parser.from_pretrained(LIVE, engine="torch")
    return [*beside_early_fusion(image, live, live_torch), *stages(image, live), *growth(image, live)]


def plot(rows: list[dict[str, Any]], file: Path) -> None:
    """Milliseconds by clicks, labels and pixels."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    times = {row["name"]: row["milliseconds"] for row in rows}
    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3), sharey=True)
    for axis, (unit, counts) in zip(axes, (("clicks", CLICKS), ("labels", LABELS), ("MP", MEGAPIXELS)), strict=True):
        for what, suffix in (("all at once", ""), ("one more", ", one more")):
            axis.plot(counts, [times[f"live, {count:g} {unit}{suffix}"] for count in counts], marker="o", label=what)
        axis.set(xlabel=unit, xscale="log")
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="milliseconds a click", ylim=(0, None))
    axes[0].legend()
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
