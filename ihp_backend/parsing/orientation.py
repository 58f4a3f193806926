"""Orientation: how a browser turns the pixels of an image file, which is not how every program does.

What is heeded here was seen in Chromium (``tests/parsing/test_orientation.py``): in a JPEG the first EXIF block, in a
PNG the first ``eXIf`` chunk before the pixels, in an AVIF ``irot`` and ``imir``. Of an EXIF block only a value of type
SHORT counts. The EXIF block of a WebP, XMP and EXIF blocks in the text of a PNG turn nothing.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

from PIL import Image

UPRIGHT: Final = 1
"""The orientation of pixels that are shown as they are stored."""

PNG: Final = b"\x89PNG\r\n\x1a\n"

_TAG, _SHORT = 0x0112, 3
_METHODS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BACK: Final = {6: 8, 8: 6}  # The others undo themselves.


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Stored pixels as an EXIF orientation, 1 to 8, shows them."""
    return image if orientation == UPRIGHT else image.transpose(_METHODS[orientation])


def turned_back(image: Image.Image, orientation: int) -> Image.Image:
    """The stored pixels of what an EXIF orientation shows."""
    return turned(image, _BACK.get(orientation, orientation))


def exif_orientation(block: bytes) -> int:
    """The orientation that browsers read in an EXIF block, 1 where there is none that they heed.

    Args:
        block: from its TIFF header on.
    """
    mark = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if mark is None or len(block) < 10:
        return UPRIGHT
    (start,) = struct.unpack_from(mark + "I", block, 4)
    if start < 8 or start + 2 > len(block):
        return UPRIGHT
    (count,) = struct.unpack_from(mark + "H", block, start)
    first = start + 2
    for at in range(first, min(first + 12 * count, len(block) - 11), 12):
        tag, kind, number, value = struct.unpack_from(mark + "HHIH", block, at)
        if (tag, kind, number) == (_TAG, _SHORT, 1) and 1 <= value <= 8:
            return int(value)
    return UPRIGHT


def heeded_orientation(image: Image.Image, png_exif: bytes = b"") -> int:
    """The orientation by which browsers turn an image; of a TIFF, which they do not show, its own.

    Args:
        image: opened, and not loaded yet: a TIFF forgets its orientation then, since Pillow applies it.
        png_exif: from ``png_parts``.
    """
    if image.format in ("JPEG", "MPO"):
        segments = getattr(image, "applist", [])
        blocks = (body[6:] for name, body in segments if name == "APP1" and body[:5] == b"Exif\0" and len(body) > 6)
        return exif_orientation(next(blocks, b""))
    if image.format == "PNG":
        return exif_orientation(png_exif)
    if image.format in ("AVIF", "TIFF"):  # For an AVIF, Pillow puts irot and imir in the place of the EXIF block's.
        return said_orientation(image)
    return UPRIGHT


def said_orientation(image: Image.Image, png_exif: bytes = b"") -> int:
    """The orientation that anything in a file says, also what browsers do not heed.

    Args:
        image: loaded, but for a TIFF: looking for what a PNG says loads it, and would hide that it is damaged.
        png_exif: from ``png_parts``.
    """
    try:
        if png_exif:
            exif = Image.Exif()
            exif.load(png_exif)
            said = exif.get(_TAG)
        elif image.format == "TIFF":
            said = image.tag_v2.get(_TAG)  # type: ignore[attr-defined]
        else:
            said = image.getexif().get(_TAG)
    except Exception:  # Pillow raises about everything on a damaged block, and that turns no image in a browser either.
        return UPRIGHT
    return said if isinstance(said, int) and said in _METHODS else UPRIGHT


def png_parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """A PNG for Pillow, the EXIF block that browsers heed, and one that stands elsewhere.

    Like browsers, and unlike Pillow, it takes no offence at a chunk that is damaged and may be left out.
    """
    kept: list[bytes] = [PNG]
    blocks: list[bytes] = []
    other = b""
    whole, pixels, at = True, False, len(PNG)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        name, body = data[at + 4 : at + 8], memoryview(data)[at + 8 : end - 4]
        pixels = pixels or name == b"IDAT"
        may_go = bool(name[0] & 0x20)
        sound = not may_go or zlib.crc32(body, zlib.crc32(name)) == struct.unpack_from(">I", data, end - 4)[0]
        if name == b"eXIf" and sound and not pixels and not blocks:
            blocks.append(bytes(body))
        elif name == b"eXIf" and sound:
            other = bytes(body)
        if sound and name != b"eXIf":
            kept.append(data[at:end])
        else:
            whole = False
        at = end
    return (data if whole else b"".join([*kept, data[at:]])), blocks[0] if blocks else b"", other
