"""Masks that are pictures: a brush region's ``maskDataURL`` and a bitmask region's ``imageDataURL``."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Sequence

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
_CACHED = 1 << 18
"""Pixels that stay in a core's cache while one label after the other is looked for."""

_PALETTE, _OPACITY = bytes(6), b"\x00\xff"  # Two colours, both black, the second one opaque.


def mask_data_urls(label_map: NDArray[np.uint8], labels: Sequence[int]) -> dict[int, str]:
    """Masks as the editor writes a bitmask: black where it is painted, transparent elsewhere, in a ``data:`` address.

    Every click waits for them, so they are written here: one bit a pixel, which zlib packs at its fastest. Pillow tries
    filters on every row, which takes several times as long and makes such a picture no smaller.

    Args:
        label_map: uint8 (height, width).
        labels: ids, whose masks are asked for.

    Returns:
        The address of each label's mask.

    Raises:
        ValueError: not two-dimensional, or empty.

    Examples:
        >>> urls = mask_data_urls(np.array([[7, 0]], np.uint8), [7])
        >>> urls[7][:22]
        'data:image/png;base64,'
        >>> picture_mask(urls[7], height=1, width=2).tolist()
        [[True, False]]
    """
    if label_map.ndim != 2 or label_map.size == 0:
        raise ValueError(f"label_map: shape {label_map.shape} is not (height, width) of at least one pixel each")
    height, width = label_map.shape
    # Each row begins with its filter, which is none.
    rows = np.zeros((len(labels), height, 1 + (width + 7) // 8), np.uint8)
    high = max(_CACHED // width, 1)
    for top in range(0, height, high):  # Memory is read once for all labels, not once for each.
        part = label_map[top : top + high]
        present = cv2.calcHist([part], [0], None, [256], [0, 256]).ravel() > 0
        for packed, label in zip(rows, labels, strict=True):
            if present[label]:
                packed[top : top + high, 1:] = np.packbits(part == label, axis=1)
    return {label: _png_data_url(packed, width) for label, packed in zip(labels, rows, strict=True)}


def _png_data_url(rows: NDArray[np.uint8], width: int) -> str:
    height = len(rows)
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)  # One bit a pixel, the number of a colour.
    chunks = (
        (b"IHDR", header),
        (b"PLTE", _PALETTE),
        (b"tRNS", _OPACITY),
        (b"IDAT", zlib.compress(rows.data, _FASTEST)),
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
