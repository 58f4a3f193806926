"""Tiny data sets in the layouts that circulate: striped people whose every label is known.

``striped`` draws a person as horizontal bands, top to bottom, so that which part lies highest is a matter of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEIGHT, WIDTH = 48, 32


def striped(parts: Sequence[int], height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.uint8]:
    """A mask with one band per part, background around it and some pixels to be ignored in a corner."""
    mask = np.zeros((height, width), np.uint8)
    for part, rows in zip(parts, np.array_split(np.arange(4, height - 4), len(parts)), strict=True):
        mask[rows, width // 4 : 3 * width // 4] = part
    mask[-2:, -2:] = 255
    return mask


def with_sides(left: int, right: int) -> NDArray[np.uint8]:
    """A mask with one part at the photograph's left edge and another, smaller one at its right."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:30, 2:8] = left
    mask[10:20, -6:-3] = right
    return mask


def write_photograph(file: Path, height: int = HEIGHT, width: int = WIDTH, grey: bool = False) -> None:
    """A photograph with a gradient, in colour or in grey."""
    file.parent.mkdir(parents=True, exist_ok=True)
    ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    pixels = ramp if grey else np.stack([ramp, ramp[::-1], ramp[:, ::-1]], axis=-1)
    Image.fromarray(pixels).save(file)


def write_mask(file: Path, mask: NDArray[np.uint8], palette: bool = False) -> None:
    """A mask as grey values, or as indices into a palette that is anything but grey."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(mask)
    if palette:
        image = Image.fromarray(mask, mode="P")
        image.putpalette(np.random.default_rng(1).integers(0, 256, 768, dtype=np.uint8).tobytes())
    image.save(file)


def write_pairs(
    root: Path,
    photographs: str,
    masks: str,
    samples: dict[str, NDArray[np.uint8]],
    *,
    index: str | None = None,
    palette: bool = False,
) -> Path:
    """Photographs and masks under patterns with "{id}", and a list of their ids that ends in a blank line."""
    for name, mask in samples.items():
        write_photograph(root / photographs.format(id=name), *mask.shape)
        write_mask(root / masks.format(id=name), mask, palette)
    if index is not None:
        (root / index).parent.mkdir(parents=True, exist_ok=True)
        (root / index).write_text("".join(f"{name}\n" for name in samples) + "\n")
    return root


def write_helen(root: Path, samples: dict[str, NDArray[np.uint8]], index: str) -> Path:
    """Helen's layout: eleven probability maps per photograph (uint8 (11, height, width)), a list of "number, name"."""
    for name, probabilities in samples.items():
        write_photograph(root / "images" / f"{name}.jpg", *probabilities.shape[1:])
        for label, probability in enumerate(probabilities):
            write_mask(root / "labels" / name / f"{name}_lbl{label:02d}.png", probability)
    (root / index).write_text("".join(f"{number} , {name}\n" for number, name in enumerate(samples, start=1)))
    return root
