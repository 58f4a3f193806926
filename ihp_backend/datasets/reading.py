"""Reading of photographs and masks, with errors that name file, value and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.datasets.sample import SampleError
from ihp_backend.labels import IGNORE

# Pillow stretches grey of 2 and 4 bits to 0..255; these are the factors.
_STRETCH = {"L;2": 85, "L;4": 17}


def read_photograph(file: Path) -> NDArray[np.uint8]:
    """A photograph as uint8 (height, width, 3) RGB; raises ``SampleError``."""
    try:
        with Image.open(file) as image:
            return np.array(image.convert("RGB"))
    except Exception as error:
        raise _unreadable(file, error) from None


def read_mask(file: Path) -> NDArray[np.uint8]:
    """The ids that a mask file holds, uint8 (height, width); raises ``SampleError``.

    Palette images give their indices and grey ones their values, in whatever number of bits. OpenCV would give the
    luminance of a palette's colours instead.
    """
    try:
        with Image.open(file) as image:
            stretch = _STRETCH.get(_raw_mode(image), 1)
            mode = image.mode
            pixels = np.array(image)
    except Exception as error:
        raise _unreadable(file, error) from None
    if pixels.ndim != 2:
        raise SampleError(
            file,
            f"a mask in colour ({mode})",
            "give the masks that hold label ids (grey or palette), not pictures of them",
        )
    if pixels.dtype != np.uint8:
        if pixels.dtype != np.bool_ and (pixels.min() < 0 or pixels.max() > IGNORE):
            raise SampleError(
                file, f"ids from {pixels.min()} to {pixels.max()}", "give masks with one byte per pixel, 255 = ignore"
            )
        pixels = pixels.astype(np.uint8)
    return pixels // np.uint8(stretch) if stretch > 1 else pixels


def translated(ids: NDArray[np.uint8], table: Sequence[int], file: Path) -> NDArray[np.uint8]:
    """The labels behind a mask's ids, 255 stays.

    Args:
        ids: uint8 (height, width).
        table: label per id.
        file: for the error.

    Raises:
        SampleError: ids that the table does not have.
    """
    beyond = (ids >= len(table)) & (ids != IGNORE)
    if beyond.any():
        found = ", ".join(map(str, np.unique(ids[beyond])[:10]))
        raise SampleError(
            file,
            f"ids {found} on {np.count_nonzero(beyond)} pixels, where known ids go from 0 to {len(table) - 1}",
            "check that the masks are of this data set, or set such pixels to 255 = ignore",
        )
    if all(label == position for position, label in enumerate(table)):
        return ids
    whole = np.full(256, IGNORE, np.uint8)
    whole[: len(table)] = table
    return whole[ids]


def _raw_mode(image: Image.Image) -> str:
    """How a PNG file stores its pixels, for example "L;4"; known only before they are loaded."""
    tile = getattr(image, "tile", None)
    return str(tile[0][3]) if image.format == "PNG" and tile else image.mode


def _unreadable(file: Path, error: Exception) -> SampleError:
    if isinstance(error, FileNotFoundError):
        return SampleError(file, "missing", "unpack the data set again, or take its id off the list")
    # Pillow's readers raise about everything on damaged files (OSError, SyntaxError, struct.error, zlib.error, ...).
    return SampleError(
        file, f"unreadable ({type(error).__name__}: {error})", "the file is damaged or cut off: unpack or copy it again"
    )
