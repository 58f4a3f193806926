"""Stand-ins for the slow or distant parts: a parser without a network, photographs without a Label Studio."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.clicks import Click
from ihp_backend.label_studio.web.images import ImageFetchError
from ihp_backend.labels import CCP, LabelSet
from ihp_backend.parsing import Parse, Scene
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.last_answer import LastAnswer

CAPTURES = Path(__file__).parents[1] / "captures"
REACH = 60
"""Pixels around a positive click that the stand-in gives to its label."""
STRIPES = (2, 13, 5, 9)
"""Labels that the stand-in finds without clicks, as stripes from top to bottom."""


def capture(number: str) -> dict[str, Any]:
    """A captured exchange by the number its file name begins with."""
    (path,) = CAPTURES.glob(f"{number}_*.json")
    return dict(json.loads(path.read_text()))


class StandInParser:
    """Gives each pixel to the nearest positive click within reach; without clicks it finds stripes."""

    def __init__(self, labels: LabelSet = CCP) -> None:
        self.labels = labels
        self.version = "stand-in-1"
        self.any_labels = False
        self.opened: list[Scene] = []
        self.parsed: list[list[Click]] = []

    def open(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Scene:
        scene = Scene(image.shape[0], image.shape[1], 1.0, image)
        self.opened.append(scene)
        return scene

    def parse(
        self,
        scene: Scene,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        self.parsed.append(list(clicks))
        label_map = np.zeros((scene.height, scene.width), np.uint8)
        if not clicks:
            for index, label in enumerate(STRIPES):
                if label < len(self.labels):
                    label_map[index * scene.height // 8 : (index + 1) * scene.height // 8] = label
        rows, columns = np.mgrid[: scene.height, : scene.width]
        nearest = np.full(label_map.shape, float(REACH**2))
        for click in clicks:
            if click.positive:
                distance = (rows - click.y) ** 2 + (columns - click.x) ** 2
                label_map[distance < nearest] = click.label
                nearest = np.minimum(nearest, distance)
        return Parse(label_map, np.full(len(self.labels), 0.75, np.float32))


@lru_cache(maxsize=32)
def photograph(width: int = 800, height: int = 600, orientation: int | None = None, shade: int = 0) -> bytes:
    """A JPEG file, stored in that size and with that EXIF orientation."""
    picture = Image.new("RGB", (width, height), (shade, 90, 120))
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    file = io.BytesIO()
    picture.save(file, "JPEG", exif=exif)
    return file.getvalue()


class StandInImages:
    """Every address is an 800 x 600 photograph, but for the ones whose name says otherwise."""

    def __init__(self) -> None:
        self.fetched: list[tuple[str, str | None, str | None]] = []

    def fetch(
        self, url: str, *, hostname: str | None = None, access_token: str | None = None, task_id: int | None = None
    ) -> bytes:
        self.fetched.append((url, hostname, access_token))
        if "missing" in url:
            raise ImageFetchError("image not found (404); import the task again")
        if "broken" in url:
            return b"\xff\xd8 no photograph"
        return photograph(600, 800, orientation=6) if "exif6" in url else photograph()
