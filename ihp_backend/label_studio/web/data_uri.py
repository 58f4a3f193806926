"""Images written into their own address: ``data:image/png;base64,...``."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes

from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown


def is_data_uri(url: str) -> bool:
    """Whether `url` is a data URI."""
    return url[:5].lower() == "data:"


def decode_data_uri(url: str, max_bytes: int) -> bytes:
    """The bytes a data URI carries, base64 or percent-encoded.

    Raises:
        ImageFetchError: no comma, no valid base64, nothing in it, or more than `max_bytes`.
    """
    head, comma, body = url.partition(",")
    if not comma:
        raise ImageFetchError(f"image {shown(url)}: no comma; a data URI is data:image/png;base64,...")
    # Percent-encoding takes up to three characters for a byte.
    if len(body) > 4 * max_bytes:
        raise _too_large(url, max_bytes)
    data = unquote_to_bytes(body.encode("utf-8", "surrogatepass"))
    if head.lower().rstrip().endswith(";base64"):
        packed = b"".join(data.split()).translate(bytes.maketrans(b"-_", b"+/")).rstrip(b"=")
        try:
            data = base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
        except binascii.Error as error:
            raise ImageFetchError(f"image {shown(url)}: no valid base64 ({error}); encode the file again") from None
    if not data:
        raise ImageFetchError(f"image {shown(url)}: carries no bytes; encode the file again")
    if len(data) > max_bytes:
        raise _too_large(url, max_bytes)
    return data


def _too_large(url: str, max_bytes: int) -> ImageFetchError:
    return ImageFetchError(
        f"image {shown(url)}: larger than max_bytes = {max_bytes}; give an http address or a smaller image"
    )
