"""From the bytes of an image file to the RGB pixels that an annotator sees in the browser."""

from __future__ import annotations

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Formats of photographs only: Pillow also opens files that start other programs (EPS) or carry none.
FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF", "PPM")

_ORIENTATION_TAG = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PhotographError(ValueError):
    """The bytes are no photograph that can be parsed; the text says why and what helps."""


def decode_photograph(data: bytes, *, max_pixels: int = 100_000_000) -> NDArray[np.uint8]:
    """Decode an image file as a browser shows it: upright, on white, 8 bits per channel.

    Palette, grey, 16-bit and CMYK images become RGB, transparency is laid over white, the EXIF orientation
    is applied; of an animation the first frame is taken. Colour profiles are not applied.

    Args:
        data: the whole file.
        max_pixels: largest accepted height x width; checked from the file's header, before memory is taken.

    Returns:
        uint8 (height, width, 3) RGB, writable; height and width are those after the orientation.

    Raises:
        PhotographError: no image, an unknown format, a damaged or truncated file, or too many pixels.
    """
    if not data:
        raise PhotographError("photograph: 0 bytes; the image file is empty, upload it again")
    try:
        with Image.open(io.BytesIO(data), formats=_known_formats()) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise PhotographError(
                    f"photograph: {width} x {height} pixels are more than the accepted {max_pixels}; "
                    "scale the image down or raise max_pixels"
                )
            image.load()
            pixels = np.array(_upright(_rgb(image), image.info.get("exif")))
    except PhotographError:
        raise
    except Image.DecompressionBombError as error:
        raise PhotographError(f"photograph: {error}; scale the image down") from error
    except Image.UnidentifiedImageError:
        raise PhotographError(
            f"photograph: {len(data)} bytes starting with {data[:8]!r} are no image; give JPEG, PNG or WebP"
        ) from None
    except Exception as error:
        # Pillow's readers raise about everything on hostile or damaged files (OSError, SyntaxError,
        # struct.error, zlib.error, IndexError, DecompressionBombError, ...).
        raise PhotographError(
            f"photograph: cannot be decoded ({type(error).__name__}: {error}); "
            "the file is damaged, cut off or of a rare kind: save it again as JPEG or PNG"
        ) from error
    return pixels


def _known_formats() -> list[str]:
    """Those of FORMATS that this Pillow was built with: it raises KeyError on others."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _grey_of_16_bits(image).convert("RGB")
    if image.mode == "F":
        raise PhotographError("photograph: floating-point pixels have no fixed white; save it with 8 bits per channel")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _grey_of_16_bits(image: Image.Image) -> Image.Image:
    # Pillow's own conversion cuts everything above 255 to white in some versions and scales in others.
    wide = np.asarray(image).astype(np.int64)
    return Image.fromarray(((wide.clip(0, 65535) * 255 + 32767) // 65535).astype(np.uint8))


def _upright(image: Image.Image, exif: bytes | None) -> Image.Image:
    # The EXIF block itself, and not Image.getexif(): that also believes XMP, which browsers ignore, and
    # repeats the orientation of a TIFF, which Pillow applies while loading.
    try:
        tags = Image.Exif()
        tags.load(exif or b"")
        orientation = tags.get(_ORIENTATION_TAG)
    except Exception:
        # A damaged EXIF block turns no image in a browser either.
        orientation = None
    method = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if method is None else image.transpose(method)
