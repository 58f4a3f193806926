"""Masks that are pictures: a brush region's ``maskDataURL`` and a bitmask region's ``imageDataURL``."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.label_studio.masks.opacity import painted_pixels
from ihp_backend.label_studio.masks.sizes import MOST_PIXELS
from ihp_backend.label_studio.web.data_uri import decode_data_uri, is_data_uri
from ihp_backend.label_studio.web.image_errors import ImageFetchError

_MOST_BYTES = 1 << 26
_FASTEST = 1
_PALETTE, _OPACITY = bytes(6), b"\x00\xff"  # Two colours, both black, the second one opaque.


def mask_data_url(mask: NDArray[np.bool_]) -> str:
    """A mask as the editor writes a bitmask: black where it is painted, transparent elsewhere, in a ``data:`` address.

    Every click waits for it, so it is written here: one bit a pixel, which zlib packs at its fastest. Pillow tries
    filters on every row, which takes several times as long and makes such a picture no smaller.

    Args:
        mask: bool (height, width).

    Raises:
        ValueError: not two-dimensional, or empty.

    Examples:
        >>> url = mask_data_url(np.array([[True, False]]))
        >>> url[:22]
        'data:image/png;base64,'
        >>> picture_mask(url, height=1, width=2).tolist()
        [[True, False]]
    """
    if mask.ndim != 2 or mask.size == 0:
        raise ValueError(f"mask: shape {mask.shape} is not (height, width) of at least one pixel each")
    height, width = mask.shape
    rows = np.zeros((height, 1 + (width + 7) // 8), np.uint8)  # Each begins with its filter, which is none.
    rows[:, 1:] = np.packbits(mask, axis=1)
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)  # One bit a pixel, the number of a colour.
    chunks = (
        (b"IHDR", header),
        (b"PLTE", _PALETTE),
        (b"tRNS", _OPACITY),
        (b"IDAT", zlib.compress(rows.tobytes(), _FASTEST)),
        (b"IEND", b""),
    )
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


class _Unfit(ValueError):
    pass


def picture_mask(url: object, height: int, width: int) -> NDArray[np.bool_]:
    """The painted pixels of a mask in a ``data:`` address.

    A picture with transparency says by it what is painted, as those of the editor do; one without, as other tools
    write them, by its brightness. A picture of another size is stretched, as the editor does.

    Args:
        url: the region's ``maskDataURL`` or ``imageDataURL``.
        height, width: of the photograph, in pixels.

    Returns:
        bool (height, width).

    Raises:
        ValueError: no ``data:`` address, or no picture in it.

    Examples:
        >>> picture_mask("https://host/mask.png", height=1, width=2)
        Traceback (most recent call last):
            ...
        ValueError: str instead of a data: address; the mask's picture is not in the region
    """
    if not isinstance(url, str) or not is_data_uri(url):
        raise ValueError(f"{type(url).__name__} instead of a data: address; the mask's picture is not in the region")
    try:
        with Image.open(io.BytesIO(decode_data_uri(url, _MOST_BYTES)), formats=("PNG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise _Unfit(f"a mask of {picture.width} x {picture.height} pixels; scale the photograph down")
            band = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else picture.convert("L")
            alpha = np.array(band)
    except ImageFetchError as error:
        raise ValueError(error.of_no_image) from None
    except _Unfit:
        raise
    except Exception as error:  # Pillow's readers raise about everything on damaged files, AssertionError among it.
        raise ValueError(f"the mask's picture cannot be read ({type(error).__name__}: {error})") from None
    mask = painted_pixels(alpha)
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
