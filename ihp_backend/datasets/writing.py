"""Writing of masks, as ``reading`` reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.storage.atomic_files import whole_file

_WHITE = (255, 255, 255)


def write_mask(file: Path, label_map: NDArray[np.uint8], labels: LabelSet) -> None:
    """A label map as a PNG, whole or not at all, whose palette has the labels' colours, white for pixels to ignore.

    Args:
        file: its path.
        label_map: uint8 (height, width), ids of ``labels`` and ``IGNORE``.
        labels: whose colours they are.

    Raises:
        OSError: it cannot be written.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(labels)] = labels.colours
    colours[IGNORE] = _WHITE
    picture = Image.fromarray(label_map, mode="P")
    # Of a shorter palette Pillow would write fewer bits per pixel, and 255 would become another label.
    picture.putpalette(colours.tobytes())
    with whole_file(file) as opened:
        picture.save(opened, format="PNG")
