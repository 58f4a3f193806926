"""Photographs to click on, with the truth that the simulated annotator has in mind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.datasets import CcpDataset
from ihp_backend.labels import CCP
from tests.pictures import picture

LARGER = 8
MADE_UP_LABELS = ("background", "hat", "coat", "bag")
"""What the made-up pictures show, in the order of their ids."""


@dataclass(frozen=True)
class Photograph:
    """A file to upload, and its parsing: uint8 (height, width) in the ids of CCP."""

    path: Path
    parsing: NDArray[np.uint8]


def made_up(count: int, folder: Path) -> list[Photograph]:
    """Pictures of people as simple as can be, 512 x 768, written into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    table = np.array([CCP.id_of(name) for name in MADE_UP_LABELS], np.uint8)
    found = []
    for seed in range(count):
        image, parsing = (
            np.asarray(cv2.resize(part, None, fx=LARGER, fy=LARGER, interpolation=method), np.uint8)
            for part, method in zip(picture(seed), (cv2.INTER_CUBIC, cv2.INTER_NEAREST), strict=True)
        )
        path = folder / f"{seed}.jpg"
        Image.fromarray(image).save(path, quality=90)
        found.append(Photograph(path, table[parsing]))
    return found


def real(count: int, folder: Path) -> list[Photograph]:
    """The first val photographs of the CCP person crops in ``folder`` (docs/datasets.md).

    Raises:
        FileNotFoundError, ValueError: the folder is not laid out so, or has fewer.
    """
    data = CcpDataset(folder, "val")
    if len(data) < count:
        raise ValueError(f"photographs: {folder} has {len(data)} for val, {count} were asked for; give fewer --tasks")
    return [Photograph(folder / "images" / f"{data[number].id}.jpg", data[number].parsing) for number in range(count)]
