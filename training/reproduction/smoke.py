"""Data for the smoke scale: drawn figures in the layout of the CCP person crops, so that no download is needed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 160, 96
PARTS = ((19, (48, 22), (16, 10)), (5, (48, 70), (26, 30)), (25, (48, 120), (20, 32)), (7, (48, 152), (18, 6)))
"""Label among the 59, centre (x, y) and half axes of an ellipse: hair, upper clothes, pants, shoes."""


def draw_data(folder: Path, train: int = 6, val: int = 2) -> Path:
    """Draws photographs and masks, the same ones every time; gives the folder."""
    if (folder / "split.json").exists():
        return folder
    for name in ("images", "masks59"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    ids = [f"{number:04}" for number in range(train + val)]
    for number, name in enumerate(ids):
        image, parsing = draw_figure(np.random.default_rng(number))
        Image.fromarray(image).save(folder / "images" / f"{name}.jpg", quality=95)
        Image.fromarray(parsing).save(folder / "masks59" / f"{name}.png")
    # Last, since it says that the data are whole.
    (folder / "split.json").write_text(json.dumps({"train": ids[:train], "val": ids[train:]}))
    return folder


def draw_figure(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A figure of four parts at a random place: image uint8 (160, 96, 3) and parsing uint8 (160, 96)."""
    image = rng.integers(90, 166, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    parsing = np.zeros((HEIGHT, WIDTH), np.uint8)
    shift = rng.integers(-12, 13)
    for label, (x, y), axes in PARTS:
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.ellipse(image, (int(x + shift), y), axes, 0, 0, 360, colour, cv2.FILLED)
        cv2.ellipse(parsing, (int(x + shift), y), axes, 0, 0, 360, label, cv2.FILLED)
    return image, parsing
