"""Reading of photographs and masks, with errors that name file, value and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ihp_backend.datasets.sample import SampleError
from ihp_backend.labels import IGNORE

IdsIn = Literal["indices", "greys", "colours"]

# Pillow stretches grey of 2 and 4 bits to 0..255; these are the factors.
_STRETCH = {"L;2": 85, "L;4": 17}


def read_photograph(file: Path, *, upright: bool = False) -> NDArray[np.uint8]:
    """A photograph as uint8 (height, width, 3) RGB; raises ``SampleError``.

    Args:
        file: the photograph.
        upright: whether it is turned as its EXIF data say; masks of data sets are mostly drawn on pixels as stored.
    """
    try:
        with Image.open(file) as image:
            return np.array((ImageOps.exif_transpose(image) if upright else image).convert("RGB"))
    except Exception as error:
        raise _unreadable(file, error) from None


def read_mask(file: Path, ids_in: IdsIn = "indices") -> NDArray[np.uint8]:
    """The ids that a mask file holds, uint8 (height, width); raises ``SampleError``.

    Palette images give their indices and grey ones their values, in whatever number of bits. OpenCV would give the
    luminance of a palette's colours instead.

    Args:
        file: the mask.
        ids_in: "greys" and "colours" take the colours of palettes and of pictures in colour: greys as ids, or the
            colours that PASCAL VOC gives to the ids.
    """
    try:
        with Image.open(file) as image:
            stretch = _STRETCH.get(_raw_mode(image), 1)
            mode = image.mode
            in_colour = ids_in != "indices" and mode not in ("1", "L", "I", "I;16")
            pixels = np.array(image.convert("RGB") if in_colour else image)
    except Exception as error:
        raise _unreadable(file, error) from None
    if in_colour:
        return _of_colours(pixels, ids_in, file)
    if pixels.ndim != 2:
        raise SampleError(
            file,
            f"a mask in colour ({mode})",
            "give the masks that hold label ids (grey or palette), not pictures of them; where ids are its greys or "
            "PASCAL VOC's colours, say ids_in=greys or ids_in=colours",
        )
    if pixels.dtype != np.uint8:
        if pixels.dtype != np.bool_ and (pixels.min() < 0 or pixels.max() > IGNORE):
            raise SampleError(
                file, f"ids from {pixels.min()} to {pixels.max()}", "give masks with one byte per pixel, 255 = ignore"
            )
        pixels = pixels.astype(np.uint8)
    return pixels // np.uint8(stretch) if stretch > 1 else pixels


def translated(
    ids: NDArray[np.uint8], table: Sequence[int], file: Path, *, ignore_beyond: bool = False
) -> NDArray[np.uint8]:
    """The labels behind a mask's ids, 255 stays.

    Args:
        ids: uint8 (height, width).
        table: label per id.
        file: for the error.
        ignore_beyond: whether ids that the table does not have become 255.

    Raises:
        SampleError: ids that the table does not have.
    """
    beyond = (ids >= len(table)) & (ids != IGNORE)
    if beyond.any() and not ignore_beyond:
        found = ", ".join(map(str, np.unique(ids[beyond])[:10]))
        raise SampleError(
            file,
            f"ids {found} on {np.count_nonzero(beyond)} pixels, where known ids go from 0 to {len(table) - 1}",
            "check that the masks are of this data set; first_id says from which number they count, beyond=ignore "
            "that such pixels do not matter",
        )
    if not beyond.any() and all(label == position for position, label in enumerate(table)):
        return ids
    whole = np.full(256, IGNORE, np.uint8)
    whole[: len(table)] = table
    return whole[ids]


def _of_colours(pixels: NDArray[np.uint8], ids_in: IdsIn, file: Path) -> NDArray[np.uint8]:
    """The ids that colours, uint8 (height, width, 3), stand for."""
    if ids_in == "greys":
        ids, known = pixels[..., 0], (pixels == pixels[..., :1]).all(axis=-1)
    else:
        packed = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
        colours = _voc_colours()
        order = np.argsort(colours)
        nearest = order[np.searchsorted(colours, packed, sorter=order).clip(max=255)]
        ids, known = nearest.astype(np.uint8), colours[nearest] == packed
    if not known.all():
        red, green, blue = pixels[~known][0]
        raise SampleError(
            file,
            f"{np.count_nonzero(~known)} pixels of colours that stand for no id, for example ({red}, {green}, {blue})",
            f"with ids_in={ids_in} they cannot be read: try ids_in=indices, or give masks that hold label ids",
        )
    return ids


@cache
def _voc_colours() -> NDArray[np.int32]:
    """PASCAL VOC's colour of each id as 0xRRGGBB, int32 (256,): its bits are dealt out to red, green and blue."""
    ids = np.arange(256)
    return sum(
        (
            (ids >> (3 * bit + channel) & 1) << (7 - bit) << (16 - 8 * channel)
            for bit in range(3)
            for channel in range(3)
        ),
        np.zeros(256, np.int64),
    ).astype(np.int32)


def _raw_mode(image: Image.Image) -> str:
    """Raw mode of a PNG file's pixels, for example "L;4"; known only before they are loaded."""
    tile = getattr(image, "tile", None)
    return str(tile[0][3]) if image.format == "PNG" and tile else image.mode


def _unreadable(file: Path, error: Exception) -> SampleError:
    if isinstance(error, FileNotFoundError):
        return SampleError(file, "missing", "unpack the data set again, or take its id off the list")
    # Pillow's readers raise about everything on damaged files (OSError, SyntaxError, struct.error, zlib.error, ...).
    return SampleError(
        file, f"unreadable ({type(error).__name__}: {error})", "the file is damaged or cut off: unpack or copy it again"
    )
