"""Makes the CCP person crops from the files of Clothing Co-Parsing (github.com/bearpaw/clothing-co-parsing).

A photograph is cut to its one person with a margin of 8 % of the person's height, as far as the photograph goes, and
brought to 512 pixels on the longer side. Which photographs show one whole person, and who is in which split, stands in
``ccp_split.json``. The 24 labels of ``masks24`` are not made: a program that is not part of this project told faces,
arms, legs and sides apart from the one label that people drew.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.datasets.ccp import GARMENTS
from ihp_backend.datasets.writing import write_mask
from ihp_backend.parsing.cores import available_cores

SPLIT = Path(__file__).with_name("ccp_split.json")
MARGIN = 0.08
"""Of the person's height, on every side."""

LONGER_SIDE = 512
PHOTOGRAPHS, MASKS, LABELS = "photos/{}.jpg", "annotations/pixel-level/{}.mat", "label_list.mat"


def make_crops(source: Path, root: Path, done: Callable[[], None] = lambda: None) -> int:
    """Makes the crops; those that are there already stay, so that an interrupted run goes on.

    Args:
        source: the checkout of Clothing Co-Parsing.
        root: folder for images, masks59 and split.json.
        done: is called after each photograph.

    Returns:
        The number of photographs.

    Raises:
        ValueError: files are missing, damaged or of another data set; the text names them.
    """
    splits = json.loads(SPLIT.read_text())
    ids = sorted(one for listed in splits.values() for one in listed)
    _check(source, ids)
    for folder in ("images", "masks59"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(available_cores()) as pool:
        for _ in pool.map(partial(_make, source, root), ids):
            done()
    shutil.copyfile(SPLIT, root / "split.json")
    return len(ids)


def _check(source: Path, ids: list[str]) -> None:
    wanted = [LABELS, *(pattern.format(one) for one in ids for pattern in (PHOTOGRAPHS, MASKS))]
    missing = [name for name in wanted if not (source / name).is_file()]
    if missing:
        raise ValueError(
            f"from: {source} lacks {len(missing)} of {len(wanted)} files, {missing[0]} among them; give a checkout of "
            "github.com/bearpaw/clothing-co-parsing"
        )
    names = tuple(str(name.item()) for name in _matlab(source / LABELS, "label_list").ravel())
    if names[1:] != GARMENTS.names[1:]:
        different = next(
            (pair for pair in zip(names[1:], GARMENTS.names[1:], strict=False) if pair[0] != pair[1]), names[-1:]
        )
        raise ValueError(
            f"from: {source / LABELS} has other labels ({', '.join(different)}); is it Clothing Co-Parsing?"
        )


def _matlab(file: Path, name: str) -> NDArray[np.generic]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return np.asarray(loadmat(file)[name])
    except (KeyError, MatReadError, OSError, TypeError, ValueError) as error:
        raise ValueError(f"from: {file} cannot be read ({error}); fetch it again") from None


def person(mask: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Left, upper, right and lower edge of the crop of a mask that has a person in it."""
    left, top, wide, tall = cv2.boundingRect((mask > 0).view(np.uint8))
    margin = round(MARGIN * tall)
    height, width = mask.shape
    return (
        max(left - margin, 0),
        max(top - margin, 0),
        min(left + wide + margin, width),
        min(top + tall + margin, height),
    )


def _make(source: Path, root: Path, one: str) -> None:
    image, written = root / "images" / f"{one}.jpg", root / "masks59" / f"{one}.png"
    if image.exists() and written.exists():
        return
    mask = _matlab(source / MASKS.format(one), "groundtruth").astype(np.uint8)
    file = source / PHOTOGRAPHS.format(one)
    try:
        with Image.open(file) as opened:
            photograph = opened.convert("RGB")
    except OSError as error:
        raise ValueError(f"from: {file} cannot be read ({error}); fetch it again") from None
    if photograph.size != mask.shape[::-1]:
        found = f"{photograph.width} x {photograph.height} pixels, its annotation {mask.shape[1]} x {mask.shape[0]}"
        raise ValueError(f"from: {file} has {found}; fetch both again")
    if not mask.any() or mask.max() >= len(GARMENTS):
        raise ValueError(
            f"from: {source / MASKS.format(one)} has nobody in it, or ids beyond the labels; fetch it again"
        )
    box = person(mask)
    width, height = box[2] - box[0], box[3] - box[1]
    scale = LONGER_SIDE / max(width, height)
    size = round(width * scale), round(height * scale)
    photograph.crop(box).resize(size, Image.Resampling.LANCZOS).save(image, quality=90)
    write_mask(written, np.array(Image.fromarray(mask).crop(box).resize(size, Image.Resampling.NEAREST)), GARMENTS)
