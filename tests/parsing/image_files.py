"""Image files of every kind, made here: what writes an orientation where, and what a file of some kind looks like."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, HEIGHT = 32, 16
"""Of the stored picture, before any orientation."""

QUADRANTS = ((220, 40, 40), (40, 200, 60)), ((40, 60, 220), (230, 220, 60))
"""Colours of the stored picture: the four corners tell all eight orientations apart."""

EXIF = b"Exif\0\0"


def picture() -> NDArray[np.uint8]:
    """The stored picture, uint8 (16, 32, 3)."""
    corners = np.array(QUADRANTS, np.uint8)
    return corners.repeat(HEIGHT // 2, axis=0).repeat(WIDTH // 2, axis=1)


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """What a viewer shows of stored pixels: EXIF says where the stored first row and column belong.

    1 top-left, 2 top-right, 3 bottom-right, 4 bottom-left, 5 left-top, 6 right-top, 7 right-bottom, 8 left-bottom.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file that Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff_block(
    orientation: int, *, order: str = "II", kind: int = 3, count: int = 1, before: int = 0, value: bytes | None = None
) -> bytes:
    """An EXIF block without its name: a TIFF header and one directory.

    Args:
        order: "II" or "MM".
        kind: 3 SHORT, 4 LONG, 1 BYTE, ...
        before: other tags that stand before the orientation.
        value: the four bytes of the value, instead of ``orientation``.
    """
    mark = "<" if order == "II" else ">"
    code = {1: "B3x", 3: "H2x", 4: "I", 6: "b3x", 8: "h2x", 9: "i"}.get(kind, "H2x")
    field = struct.pack(mark + code, orientation) if value is None else value
    entries = [
        struct.pack(mark + "HHI", 0x0100 + number, 4, 1) + struct.pack(mark + "I", 7) for number in range(before)
    ]
    entries.append(struct.pack(mark + "HHI", 0x0112, kind, count) + field)
    directory = struct.pack(mark + "H", len(entries)) + b"".join(entries) + struct.pack(mark + "I", 0)
    return order.encode() + struct.pack(mark + "HI", 42, 8) + directory


def xmp(orientation: int) -> bytes:
    """An XMP packet with an orientation."""
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    ).encode()


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def exif_segment(block: bytes) -> bytes:
    """The APP1 segment of an EXIF block."""
    return segment(0xE1, EXIF + block)


def jpeg(*segments: bytes, jfif: bool = True, pixels: NDArray[np.uint8] | None = None, **options: Any) -> bytes:
    """A JPEG with these segments before its tables, after or without JFIF's."""
    options = {"quality": 95, "subsampling": 0, **options}
    data = saved(Image.fromarray(picture() if pixels is None else pixels), "JPEG", **options)
    after = 2 + 2 + struct.unpack(">H", data[4:6])[0]
    return data[: after if jfif else 2] + b"".join(segments) + data[after:]


def chunk(name: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(*before: bytes, after: Sequence[bytes] = (), pixels: NDArray[np.uint8] | None = None) -> bytes:
    """A PNG with these chunks before and after its pixels."""
    image = picture() if pixels is None else pixels
    height, width = image.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + data + b"".join(after) + chunk(b"IEND", b"")


def raw_profile(block: bytes, name: bytes = b"exif") -> bytes:
    """An EXIF block as ImageMagick writes it into a PNG's text."""
    digits = block.hex().encode()
    lines = b"\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    text = b"\n" + name + b"\n%8d\n" % len(block) + lines + b"\n"
    return chunk(b"zTXt", b"Raw profile type " + name + b"\0\0" + zlib.compress(text))


def riff(name: bytes, body: bytes) -> bytes:
    """A WebP chunk."""
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(
    *after: bytes, before: Sequence[bytes] = (), extended: bool = True, flags: int = 0x08, lossless: bool = True
) -> bytes:
    """A WebP with these chunks around its pixels.

    Args:
        extended: whether it begins with a VP8X chunk.
        flags: of that chunk; 0x08 announces EXIF, 0x04 XMP.
    """
    plain = saved(Image.fromarray(picture()), "WEBP", lossless=lossless, quality=100)
    body = plain[12:]
    size = (WIDTH - 1).to_bytes(3, "little") + (HEIGHT - 1).to_bytes(3, "little")
    head = riff(b"VP8X", bytes([flags, 0, 0, 0]) + size) if extended else b""
    whole = b"WEBP" + head + b"".join(before) + body + b"".join(after)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def avif(turn: int = 1, exif: bytes | None = None) -> bytes:
    """An AVIF whose boxes irot and imir say ``turn``, with an EXIF block beside."""
    given, mark = Image.Exif(), b""
    if exif is not None:
        # Pillow takes the orientation out of the EXIF block: it travels under a number that means nothing.
        mark = b"\x12\x01" if exif[:2] == b"II" else b"\x01\x12"
        assert exif.count(mark) == 1
        given.load(EXIF + exif.replace(mark, b"\xee\xee"))
    given[0x0112] = turn
    data = saved(Image.fromarray(picture()), "AVIF", quality=95, subsampling="4:4:4", exif=given)
    return data.replace(b"\xee\xee", mark) if mark else data
