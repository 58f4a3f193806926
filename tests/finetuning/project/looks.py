"""A copy of the CCP person crops as another camera would have taken them: what no packaged model was trained on.

    python -m tests.finetuning.project.looks --data CCP --out CCP-night

The packaged models know the CCP photographs themselves. What a project gains from photographs of its own, which look
unlike those, is measured on such a copy: grey, dark, blurred by a pixel and noisy, as a camera sees at night.
"""

from __future__ import annotations

import argparse
import shutil
import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from ihp_backend.datasets.reading import read_photograph
from ihp_backend.storage.atomic_files import write_whole

BLUR, GAMMA, EXPOSURE, NOISE = 1.0, 1.8, 0.45, 6.0
"""Deviation in pixels, exponent, factor, and deviation of 255 levels."""

QUALITY = 85
"""Of the JPEG files."""


def at_night(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A photograph uint8 (height, width, 3), RGB, as it looks at night."""
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), BLUR)
    dark = 255 * EXPOSURE * (grey / 255) ** GAMMA + rng.normal(0, NOISE, grey.shape)
    return np.repeat(np.clip(dark, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def copy(data: Path, out: Path) -> None:
    """Writes the copy; photographs that are there already are kept.

    Raises:
        SampleError, OSError: a file cannot be read or written.
    """
    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    for source in data.iterdir():
        if source.is_dir() and source.name != "images":
            shutil.copytree(source, out / source.name, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy2(source, out / source.name)
    for source in track(sorted((data / "images").iterdir()), "photographs"):
        file = images / source.name
        if file.exists():
            continue
        # The noise of a photograph depends on its name alone.
        changed = at_night(read_photograph(source), np.random.default_rng(zlib.crc32(source.name.encode())))
        _, encoded = cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        write_whole(file, encoded.tobytes())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the CCP person crops")
    parser.add_argument("--out", type=Path, required=True, help="folder of the copy")
    chosen = parser.parse_args()
    copy(chosen.data, chosen.out)


if __name__ == "__main__":
    main()
