"""Photographs and their addresses: a ``PhotographError`` or an ``ImageFetchError`` at most."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from PIL import Image

from ihp_backend.label_studio.annotations.photograph_files import PhotographFiles
from ihp_backend.label_studio.web.download import Downloader
from ihp_backend.label_studio.web.images import ImageFetchError, ImageSettings, ImageSource
from ihp_backend.parsing.photograph import FORMATS, PhotographError, read_photograph
from tests.parsing.image_files import EXIF, picture, saved, tiff_block, xmp

from .inputs import CHANCES, bounded, damaged, error_of, wild
from .test_masks import with_sums

MOST = 1_000_000


@functools.cache
def files() -> tuple[bytes, ...]:
    """A small file of each kind that is read, and of those whose headers are long."""
    image = Image.fromarray(picture())
    kinds = [kind for kind in FORMATS if kind in (Image.init(), Image.SAVE)[1]]
    exif = EXIF + tiff_block(6)
    return (
        *(saved(image, kind) for kind in kinds),
        saved(image, "JPEG", exif=exif, progressive=True),
        saved(image, "JPEG", exif=exif, xmp=xmp(3)),
        saved(image, "PNG", exif=exif),
        saved(image, "WEBP", exif=exif, lossless=True),
        saved(image, "TIFF", compression="tiff_lzw"),
        saved(image, "TIFF", compression="jpeg"),
        saved(image.convert("CMYK"), "JPEG"),
        saved(image.quantize(7), "PNG", transparency=1),
        saved(image.convert("I;16"), "PNG"),
        saved(image, "GIF", save_all=True, append_images=[image.rotate(90)]),
        saved(image, "PNG", save_all=True, append_images=[image.rotate(180)]),
    )


@wild("photographs", CHANCES)
def test_photographs(chance: Random) -> None:
    data = damaged(chance.choice(files()), chance)
    if data.startswith(b"\x89PNG") and chance.random() < 0.7:
        data = with_sums(data)
    pixels = np.zeros((1, 1, 3), np.uint8)

    def read() -> None:
        nonlocal pixels
        pixels = read_photograph(data, max_pixels=MOST).pixels

    assert "MemoryError" not in str(error_of(PhotographError, read))
    assert (pixels.ndim, pixels.shape[2], pixels.dtype) == (3, 3, np.uint8)
    assert pixels.shape[0] * pixels.shape[1] <= MOST


def png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG that announces a size, with all its pixels packed small as far as they go."""
    pixels = zlib.compress(bytes(min(width * height, 1 << 26)), 9)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        *more,
        (b"IDAT", pixels),
        (b"IEND", b""),
    ]
    return with_sums(
        b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(one)) + name + one + bytes(4) for name, one in chunks)
    )


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that would take much memory or time."""
    yield "PNG of 10^10 pixels", png(100_000, 100_000)
    yield "PNG of a text that unpacks", png(8, 8, (b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 28), 9)))
    yield "PNG of a profile that unpacks", png(8, 8, (b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 28), 9)))
    yield (
        "PNG of an XMP that unpacks",
        png(8, 8, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(1 << 28), 9))),
    )
    yield "PNG of a million chunks", png(8, 8, *[(b"tEXt", b"a\0b")] * 300_000)
    yield (
        "GIF of 65535 x 65535",
        b"GIF89a"
        + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0)
        + b"\x02\x01\x00\x00;",
    )
    yield (
        "BMP of a negative height",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, 2**31 - 1, -(2**31), 1, 24, 0, 0, 0, 0, 0, 0),
    )
    yield "PPM of 10^18", b"P6 999999999 999999999 255\n"
    yield "PPM of digits", b"P6 " + b"9" * 1_000_000
    yield "TIFF in a circle", b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 0) + struct.pack("<I", 8)
    yield "JPEG of empty segments", b"\xff\xd8" + b"\xff\xe1\0\2" * 500_000
    yield (
        "JPEG of profiles",
        b"\xff\xd8" + (b"\xff\xe2" + struct.pack(">H", 65535) + b"ICC_PROFILE\0\1\xff" + bytes(65519)) * 400,
    )
    yield "XML", b"<?xml" + b" " * 10_000_000
    yield "an ICO of itself", b"\0\0\1\0\xff\xff" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 99, 6) * 65535


@pytest.mark.parametrize(("name", "data"), [pytest.param(name, data, id=name) for name, data in bombs()])
def test_bombs(name: str, data: bytes) -> None:
    with bounded():
        error = error_of(PhotographError, lambda: read_photograph(data))
    assert "MemoryError" not in str(error)


PARTS = (
    *("http://", "https:", "//", "/", "data:", "data:image/png;base64,", "s3://", "gs://", "file:///", "//["),
    *("user:hu/sh@", "host", "host:99999", "[::1]", "[::1", "127.0.0.1:1", "studio.example", "xn--", "é", "\ud800"),
    *("/data/upload/", "/data/local-files/?d=", "/storage-data/uploaded/?filepath=", "/tasks/1/resolve/?fileuri="),
    *("..", "/../..", "%2e%2e", "%", "%ZZ", "%00", "\0", "?", "#", "&", "=", "a.jpg", "\\", " ", "\n"),
    *("\r\n", "x" * 300),
)  # fmt: skip


@wild("addresses", CHANCES)
def test_addresses(tmp_path_factory: pytest.TempPathFactory, chance: Random) -> None:
    url = "".join(chance.choices(PARTS, k=chance.randrange(1, 6)))
    root = tmp_path_factory.getbasetemp() / "photographs"
    root.mkdir(exist_ok=True)
    settings = ImageSettings(
        label_studio_url=chance.choice([None, "http://studio.example/sub"]),
        local_files_root=chance.choice([None, root]),
    )
    hostname = chance.choice([None, "", "nonsense", "http://studio.example", url])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Downloader, "download", lambda *_: b"fetched")
        source = ImageSource(settings)
        told = error_of(ImageFetchError, lambda: source.fetch(url, hostname=hostname, access_token="token", task_id=3))
    told_too = error_of((FileNotFoundError, ValueError), lambda: PhotographFiles([root]).find_all([("1", url)]))
    # Further on it is a part of the path.
    if url.startswith(("http://user:hu", "//user:hu", "user:hu")) and url.count("hu/sh") == 1:
        assert "hu/sh" not in f"{told} {told_too}"
