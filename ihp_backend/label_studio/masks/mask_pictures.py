"""Masks that are pictures: a brush region's ``maskDataURL`` and a bitmask region's ``imageDataURL``."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.label_studio.masks.opacity import painted_pixels
from ihp_backend.label_studio.masks.sizes import MOST_PIXELS
from ihp_backend.label_studio.web.data_uri import decode_data_uri, is_data_uri
from ihp_backend.label_studio.web.image_errors import ImageFetchError

_MOST_BYTES = 1 << 26


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
    """
    if not isinstance(url, str) or not is_data_uri(url):
        raise ValueError(f"{type(url).__name__} instead of a data: address; the mask's picture is not in the region")
    try:
        with Image.open(io.BytesIO(decode_data_uri(url, _MOST_BYTES)), formats=("PNG", "WEBP")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"a mask of {picture.width} x {picture.height} pixels; scale the photograph down")
            band = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else picture.convert("L")
            alpha = np.array(band)
    except ImageFetchError as error:
        raise ValueError(error.of_no_image) from None
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the mask's picture cannot be read ({error})") from None
    mask = painted_pixels(alpha)
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)
