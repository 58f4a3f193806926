"""Decoding of a photograph: from an image file's bytes to the RGB pixels that an annotator sees in the browser."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.parsing.orientation import (
    PNG,
    UPRIGHT,
    heeded_orientation,
    png_parts,
    said_orientation,
    turned,
    turned_back,
)

# Formats of photographs only: Pillow also opens files that start other programs (EPS) or carry none.
FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF", "PPM", "ICO")

CUT_OFF: Final = "the file ends before its pixels do; what is missing is grey. Upload the whole file again"

_END = b"\xff\xd9"
# A marker that begins a segment, which has its length behind it; the pixels of a JPEG hold none.
_SEGMENT = re.compile(rb"\xff[\xc0-\xcf\xda-\xfe]", re.DOTALL)
_LONGEST_SEGMENT = 65_537


class PhotographError(ValueError):
    """The bytes are no photograph that can be parsed; the text says why and what helps."""


@dataclass(frozen=True)
class Photograph:
    """A decoded photograph.

    Attributes:
        pixels: uint8 (height, width, 3), RGB, writable, as a browser shows them.
        orientation: EXIF orientation, 1 to 8, by which browsers turn the stored pixels.
        said: the one that the file says somewhere, which is another where browsers do not heed it.
        notes: what is wrong with the file though it was read.
    """

    pixels: NDArray[np.uint8]
    orientation: int = UPRIGHT
    said: int = UPRIGHT
    notes: tuple[str, ...] = ()

    def other_orientation(self, size: tuple[int, int]) -> int | None:
        """The orientation, if any, in which programs that are no such browsers show it in that (height, width)."""
        if size != self.pixels.shape[1::-1]:
            return None
        lying = self.orientation >= 5
        return next((other for other in (UPRIGHT, self.said) if (other >= 5) != lying), None)

    def in_orientation(self, orientation: int) -> NDArray[np.uint8]:
        """The pixels as that orientation shows them, uint8 (height, width, 3)."""
        return np.array(turned(turned_back(Image.fromarray(self.pixels), self.orientation), orientation))

    def upright(self, drawn: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
        """A label map drawn on ``in_orientation(orientation)`` as it lies on ``pixels``, uint8 (height, width)."""
        return np.array(turned(turned_back(Image.fromarray(drawn), orientation), self.orientation))


def decode_photograph(data: bytes, *, max_pixels: int = 100_000_000) -> NDArray[np.uint8]:
    """The pixels alone of ``read_photograph``, uint8 (height, width, 3); arguments and errors as there."""
    return read_photograph(data, max_pixels=max_pixels).pixels


def read_photograph(data: bytes, *, max_pixels: int = 100_000_000) -> Photograph:
    """Decode an image file as a browser shows it: upright, on white, 8 bits per channel.

    Palette, grey, 16-bit and CMYK images become RGB, transparency is laid over white, the orientation is applied as
    browsers do; of an animation the first frame is taken. Colour profiles are not applied. A JPEG that is cut off is
    read as far as it goes, which its notes say.

    Args:
        data: the whole file.
        max_pixels: largest accepted height x width; checked from the file's header, before memory is taken.

    Raises:
        PhotographError: no image, an unknown format, a damaged or truncated file, or too many pixels.
    """
    if not data:
        raise PhotographError("photograph: 0 bytes; the image file is empty; save it again")
    try:
        try:
            return _read(data, max_pixels)
        except OSError as error:
            if not data.startswith(b"\xff\xd8") or "truncated" not in str(error):
                raise
            return _read(_ended(data), max_pixels, (CUT_OFF,))
    except PhotographError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotographError(
            f"photograph: its pixels are more than the accepted {max_pixels}; scale the image down"
        ) from error
    except Image.UnidentifiedImageError:
        raise PhotographError(f"photograph: {what_it_is(data)}") from None
    except Exception as error:
        # Pillow's readers raise about everything on hostile or damaged files (OSError, SyntaxError,
        # struct.error, zlib.error, IndexError, DecompressionBombError, ...).
        raise PhotographError(
            f"photograph: cannot be decoded ({type(error).__name__}: {error}); "
            "the file is damaged, cut off or of a rare kind: save it again as JPEG or PNG"
        ) from error


def _read(data: bytes, max_pixels: int, notes: tuple[str, ...] = ()) -> Photograph:
    content, exif, other_exif = png_parts(data) if data.startswith(PNG) else (data, b"", b"")
    with Image.open(io.BytesIO(content), formats=_known_formats()) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PhotographError(
                f"photograph: {width} x {height} pixels are more than the accepted {max_pixels}; scale the image down"
            )
        orientation = heeded_orientation(image, exif)
        if getattr(image, "default_image", False):
            image.seek(1)  # Browsers animate at once; the image before is for programs that cannot.
        inside = image.tile[0][1] if image.format == "GIF" and image.tile else None
        image.load()
        said = orientation if image.format == "TIFF" else said_orientation(image, exif or other_exif)
        shown = _rgb(image)
        if inside is not None:
            shown = _on_white(shown, inside)
        if image.format != "TIFF":  # Pillow turns it itself.
            shown = turned(shown, orientation)
        return Photograph(np.array(shown), orientation, said if said != UPRIGHT else orientation, notes)


def _known_formats() -> list[str]:
    """The FORMATS that this Pillow was built with: it raises KeyError on others."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _ended(data: bytes) -> bytes:
    """A JPEG that is cut off, with an end; a segment of which a part is missing goes."""
    at = max((found.start() for found in _SEGMENT.finditer(data, max(len(data) - _LONGEST_SEGMENT, 2))), default=None)
    if at is not None:
        length = int.from_bytes(data[at + 2 : at + 4], "big") if at + 4 <= len(data) else _LONGEST_SEGMENT
        if at + 2 + length > len(data):
            data = data[:at]
    return data + _END


def _on_white(frame: Image.Image, inside: tuple[int, int, int, int]) -> Image.Image:
    """The first frame of an animation that covers only a part of the picture, the rest white."""
    if inside == (0, 0, *frame.size):
        return frame
    whole = Image.new("RGB", frame.size, "white")
    whole.paste(frame.crop(inside), inside[:2])
    return whole


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise PhotographError("photograph: floating-point pixels have no fixed white; save it with 8 bits per channel")
    if image.mode == "I" and image.format == "TIFF":
        raise PhotographError(
            "photograph: whole numbers of 32 bits, or with a sign, have no fixed white; save it with 8 bits per channel"
        )
    if image.mode.startswith("I"):
        return _grey_of_16_bits(image, image.info.get("transparency")).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _grey_of_16_bits(image: Image.Image, transparent: Any) -> Image.Image:
    # Pillow's own conversion cuts everything above 255 to white in some versions and scales in others.
    wide = np.asarray(image).astype(np.int64)
    grey = ((wide.clip(0, 65535) * 255 + 32767) // 65535).astype(np.uint8)
    if isinstance(transparent, int):
        grey[wide == transparent] = 255
    return Image.fromarray(grey)


_HEIC: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

# How the files of a format begin, and what to do about them.
_FOREIGN: Final = (
    (b"%PDF", "a PDF document; export its picture as PNG or JPEG"),
    (b"8BPS", "a Photoshop document; export it as PNG or JPEG"),
    (b"%!PS", "a PostScript document; export it as PNG or JPEG"),
    (b"\xff\x0a", "a JPEG XL photograph, which is not read; convert it to JPEG or PNG"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL photograph, which is not read; convert it to JPEG or PNG"),
    (b"PK\x03\x04", "a ZIP archive; unpack it and upload the photographs"),
    (b"\x1f\x8b", "a gzip archive; unpack it and upload the photographs"),
)
_BROKEN: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"RIFF", "WebP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\1\0", "ICO"),
)


def what_it_is(data: bytes) -> str:
    """A sentence about bytes that no reader takes for an image, with what to do about them."""
    text = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text:
        return "an SVG drawing, which has no pixels of its own; export it as PNG or JPEG"
    if text.startswith((b"<!doctype html", b"<html")):
        return (
            f"{len(data)} bytes of a web page and no image, a log-in page perhaps; open its address in a private "
            "window of the browser"
        )
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        return "a HEIC photograph, which most browsers do not show either; convert it to JPEG"
    for beginning, words in _FOREIGN:
        if data.startswith(beginning):
            return words
    broken = "AVIF" if data[4:12] in (b"ftypavif", b"ftypavis") else None
    broken = broken or next((name for beginning, name in _BROKEN if data.startswith(beginning)), None)
    if broken is not None:
        return (
            f"{len(data)} bytes that begin as {broken} does, but are cut off, damaged, without pixels or of a rare "
            "kind; save it again as JPEG or PNG"
        )
    return f"{len(data)} bytes starting with {data[:8]!r} are no image; give JPEG, PNG or WebP"
