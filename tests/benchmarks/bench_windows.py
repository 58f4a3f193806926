"""People who are small: opening and a click beside the same on a crop, and how both grow with megapixels and people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click, central_clicks
from ihp_backend.parsing import Parser, Scene
from tests.benchmarks.bench_live import LIVE, PHOTOGRAPH
from tests.benchmarks.clicking import at_once, one_after_another
from tests.benchmarks.timing import Row, timed_in_turn

Functions = dict[str, Callable[[], object]]

MEGAPIXELS, PEOPLE = (1.0, 3.0, 12.0, 48.0), (1, 2, 4, 8, 20)


@dataclass(frozen=True)
class Picture:
    """A photograph and clicks on the parts of everybody in it."""

    image: NDArray[np.uint8]
    clicks: list[Click]

    def open(self, parser: Parser) -> Scene:
        """The scene with all windows that its clicks ask for."""
        scene = parser.open(self.image)
        if scene.windows is not None:
            for box in scene.windows.boxes((click, True) for click in self.clicks):
                scene.windows.view(box)
        return scene


def person() -> tuple[NDArray[np.uint8], list[Click]]:
    """A crop, and a click in the middle of each part that the model finds in it."""
    image = np.array(Image.open(PHOTOGRAPH).convert("RGB"))
    parser = Parser.from_pretrained(LIVE)
    return image, central_clicks(parser.parse(parser.open(image), []).label_map, np.random.default_rng(0))


def picture(crop: NDArray[np.uint8], clicks: list[Click], megapixels: float, people: int) -> Picture:
    """People in rows before a blur of their own background; one alone is a third as high as the photograph of 3 : 4."""
    height = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    width = round(height * 3 / 4)
    behind = cv2.resize(crop[:, -crop.shape[1] // 3 :], (width, height), interpolation=cv2.INTER_LINEAR)
    image = np.asarray(cv2.blur(behind, (width // 8, width // 8)), np.uint8)
    columns = int(np.ceil(people**0.5))
    side = round(height / 3) if people == 1 else round(0.8 * width / columns)
    small = np.asarray(cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    moved = []
    for number in range(people):
        top = height // 20 + (number // columns) * round(1.15 * side)
        left = width // 20 + (number % columns) * round(1.15 * side)
        image[top : top + side, left : left + side] = small
        moved += [
            replace(click, x=left + click.x * side // crop.shape[1], y=top + click.y * side // crop.shape[0])
            for click in clicks
        ]
    return Picture(image, moved)


def compared(parser: Parser, pictures: dict[str, Picture], repeats: int) -> list[Row]:
    """Opening with the first windows, and clicks in windows that are open, beside the first of the pictures.

    At "click" all are new, as after many other photographs; "next click" finds what was decoded for the one before.
    """
    scenes = {name: one.open(parser) for name, one in pictures.items()}
    opening: Functions = {f"open, {name}": partial(one.open, parser) for name, one in pictures.items()}
    clicking: Functions = {
        f"click, {name}": at_once(parser, scenes[name], one.clicks) for name, one in pictures.items()
    }
    going_on: Functions = {
        f"next click, {name}": one_after_another(parser, scenes[name], one.clicks) for name, one in pictures.items()
    }
    rows = []
    for functions in (opening, clicking, going_on):
        first, *others = timed_in_turn(functions, repeats=repeats)
        rows += [first, *(row.against(first) for row in others)]
    notes = {name: _note(pictures[name], scene) for name, scene in scenes.items()}
    return [replace(row, note=notes[row.name.partition(", ")[2]]) for row in rows]


def _note(one: Picture, scene: Scene) -> str:
    windows = len(scene.windows.boxes((click, True) for click in one.clicks)) if scene.windows else 0
    size = f"{one.image.shape[1]} x {one.image.shape[0]}, {windows} windows, {len(one.clicks)} clicks"
    return f"{size}, scene of {scene.bytes / 1e6:.0f} MB"


def measure() -> list[Row]:
    """All of it."""
    parser = Parser.from_pretrained(LIVE)
    crop, clicks = person()
    pictures = {"crop": Picture(crop, clicks)}
    for megapixels in MEGAPIXELS:
        pictures[f"one person in {megapixels:g} MP"] = picture(crop, clicks, megapixels, 1)
    rows = compared(parser, pictures, repeats=9)
    groups = {f"{people} people in 12 MP": picture(crop, clicks, 12, people) for people in PEOPLE}
    return [*rows, *compared(parser, groups, repeats=5)]
