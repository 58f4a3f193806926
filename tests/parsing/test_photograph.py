"""Image files of every kind against pixels known beforehand."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.parsing.photograph import PhotographError, decode_photograph

RGB = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode_photograph(saved(Image.fromarray(RGB), kind, exif=exif, **options))
    np.testing.assert_array_equal(pixels, turned(RGB, orientation))


def test_exif_orientation_of_a_jpeg() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.zeros((60, 40, 3), dtype=np.uint8)
    stored[:20] = 255  # the stored top is the right side of the photograph
    pixels = decode_photograph(saved(Image.fromarray(stored), "JPEG", exif=exif))
    assert pixels.shape == (40, 60, 3)
    assert pixels[:, 45:].min() > 240
    assert pixels[:, :35].max() < 15


@pytest.mark.parametrize("exif", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_a_damaged_exif_block_turns_nothing(exif: bytes) -> None:
    np.testing.assert_array_equal(decode_photograph(saved(Image.fromarray(RGB), exif=exif)), RGB)


def test_orientation_in_xmp_alone_turns_nothing() -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    data = saved(Image.fromarray(RGB), "WEBP", lossless=True, xmp=xmp)
    assert decode_photograph(data).shape == RGB.shape


def test_the_answer_is_writable_and_contiguous() -> None:
    pixels = decode_photograph(saved(Image.fromarray(RGB)))
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


def test_palette() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([1, 0])
    for kind in ("PNG", "GIF"):
        np.testing.assert_array_equal(decode_photograph(saved(image, kind)), [[[200, 100, 50], [10, 20, 30]]])


def test_palette_with_transparency_lies_on_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([1, 0])
    np.testing.assert_array_equal(
        decode_photograph(saved(image, "PNG", transparency=0)), [[[200, 100, 50], [255, 255, 255]]]
    )


def test_grey_bilevel_and_grey_with_alpha() -> None:
    grey = np.array([[0, 77, 255]], dtype=np.uint8)
    expected = grey[..., None].repeat(3, axis=2)
    np.testing.assert_array_equal(decode_photograph(saved(Image.fromarray(grey))), expected)
    bilevel = Image.fromarray(grey).point(lambda value: 255 * (value > 100), "1")
    np.testing.assert_array_equal(decode_photograph(saved(bilevel))[0, :, 1], [0, 0, 255])
    with_alpha = Image.merge("LA", (Image.fromarray(grey), Image.new("L", (3, 1), 0)))
    assert decode_photograph(saved(with_alpha)).min() == 255


def test_alpha_lies_on_white() -> None:
    alpha = np.array([[0, 51, 102, 204, 255]] * 3, dtype=np.uint8)
    pixels = decode_photograph(saved(Image.fromarray(np.dstack([RGB, alpha]))))
    opacity = alpha[..., None] / 255
    expected = RGB * opacity + 255 * (1 - opacity)
    assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_cut(kind: str) -> None:
    values = np.array([[0, 257, 32768, 65535]], dtype=np.uint16)
    pixels = decode_photograph(saved(Image.fromarray(values), kind))
    np.testing.assert_array_equal(pixels[0, :, 0], [0, 1, 128, 255])
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])


def test_16_bit_rgb() -> None:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    row = b"\0" + np.array([0x0000, 0x8000, 0xFFFF], dtype=">u2").tobytes()
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(decode_photograph(data), [[[0, 128, 255]]])


def test_cmyk() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    pixels = decode_photograph(saved(image, "JPEG", quality=100))
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() <= 3


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(decode_photograph(data)[0, 0], [255, 0, 0])


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_001, 200_000])
def test_too_many_pixels_are_refused_before_decoding(side: int) -> None:
    """The header announces the pixels and nothing follows: an attempt to decode would say so."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(PhotographError, match=r"pixels.* scale the image down"):
        decode_photograph(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 4) + b"IDAT" + b"\0" * 8)


def test_max_pixels_is_exact() -> None:
    data = saved(Image.fromarray(RGB))
    assert decode_photograph(data, max_pixels=15).shape == (3, 5, 3)
    with pytest.raises(PhotographError, match="5 x 3 pixels are more than the accepted 14"):
        decode_photograph(data, max_pixels=14)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.1, 0.6, 0.9])
def test_truncated_files(kind: str, part: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(PhotographError, match=r"^photograph: "):
        decode_photograph(data[: int(len(data) * part)])


@pytest.mark.parametrize("data", [b"", b"<html>log in</html>", b"\0" * 100, b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>"])
def test_no_image(data: bytes) -> None:
    with pytest.raises(PhotographError, match=r"photograph: .*bytes"):
        decode_photograph(data)


def test_floating_point_pixels_are_refused() -> None:
    with pytest.raises(PhotographError, match="floating-point"):
        decode_photograph(saved(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"))
