"""Image files of every kind against pixels known beforehand."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ihp_backend.parsing.photograph import PhotographError, decode_photograph, read_photograph

from .browser import shown_by_chromium
from .image_files import chunk, jpeg, saved
from .pictures import gif_with_a_small_frame, pictures, png_of

RGB = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)


@pytest.mark.parametrize("exif", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_a_damaged_exif_block_turns_nothing(exif: bytes) -> None:
    np.testing.assert_array_equal(decode_photograph(saved(Image.fromarray(RGB), exif=exif)), RGB)


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
    data = png_of(np.array([[[0x0000, 0x8000, 0xFFFF]]], dtype=">u2"))
    np.testing.assert_array_equal(decode_photograph(data), [[[0, 128, 255]]])


def test_transparent_grey_of_16_bits_lies_on_white() -> None:
    grey = np.array([[100, 40_000, 65_535]], dtype=">u2")
    data = png_of(grey, chunk(b"tRNS", struct.pack(">H", 100)))
    np.testing.assert_array_equal(decode_photograph(data)[0, :, 0], [255, 156, 255])


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


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("part", [0.1, 0.6, 0.9])
def test_truncated_files(kind: str, part: float) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(PhotographError, match=r"^photograph: .*(again|convert)"):
        decode_photograph(data[: int(len(data) * part)])


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 20, 1000])
def test_a_jpeg_without_its_end_is_read_and_its_notes_say_so(missing: int, progressive: bool) -> None:
    ramp = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    noise = np.random.default_rng(2).integers(0, 32, ramp.shape, dtype=np.uint8)
    data = jpeg(pixels=ramp // 2 + noise, progressive=progressive)
    whole, cut = read_photograph(data), read_photograph(data[:-missing])
    assert (whole.notes, len(cut.notes)) == ((), 1)
    assert "the file ends before its pixels do" in cut.notes[0]
    if not progressive:
        np.testing.assert_array_equal(cut.pixels[:8], whole.pixels[:8])
    assert np.abs(cut.pixels.astype(int) - whole.pixels).mean() < 32


@settings(max_examples=60, deadline=None)
@given(part=st.floats(0, 1), progressive=st.booleans())
def test_a_jpeg_cut_off_anywhere_is_read_or_refused_in_words(part: float, progressive: bool) -> None:
    data = jpeg(progressive=progressive)
    cut = data[: int(len(data) * part)]
    try:
        photograph = read_photograph(cut)
    except PhotographError:
        assert len(cut) < len(data)
        return
    assert photograph.pixels.shape == (16, 32, 3)
    assert bool(photograph.notes) == (len(cut) < len(data))


@pytest.mark.parametrize("data", [b"", b"<html>log in</html>", b"\0" * 100, b"\x89PNG", b"\xff\xd8\xff"])
def test_no_image(data: bytes) -> None:
    with pytest.raises(PhotographError, match=r"photograph: .*bytes"):
        decode_photograph(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<svg/>", "SVG drawing"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg></svg>", "SVG drawing"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*convert it to JPEG"),
        (b"\xff\x0a\xfa\x7f", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
        (b"8BPS\0\1", "Photoshop"),
        (b"PK\x03\x04", "ZIP"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (png_of(np.zeros((0, 5, 3), np.uint8)), "begin as PNG does, but .*without pixels"),
    ],
)
def test_other_files_are_named(data: bytes, words: str) -> None:
    with pytest.raises(PhotographError, match=words):
        decode_photograph(data)


@pytest.mark.parametrize(("kind", "words"), [(np.float32, "floating-point"), (np.int32, "32 bits")])
def test_pixels_without_a_fixed_white_are_refused(kind: Any, words: str) -> None:
    with pytest.raises(PhotographError, match=words):
        decode_photograph(saved(Image.fromarray(np.ones((2, 2), dtype=kind)), "TIFF"))


def test_a_damaged_text_chunk_does_no_harm() -> None:
    data = saved(Image.fromarray(RGB))
    damaged = chunk(b"tEXt", b"a\0b")[:-1] + b"\xff"
    np.testing.assert_array_equal(decode_photograph(data[:33] + damaged + data[33:]), RGB)


def test_pixels_that_are_damaged_are_no_photograph() -> None:
    data = bytearray(saved(Image.fromarray(RGB)))
    data[data.index(b"IDAT") + 12] ^= 0x55
    with pytest.raises(PhotographError, match="cannot be decoded"):
        decode_photograph(bytes(data))


def test_around_the_first_frame_of_an_animation_it_is_white() -> None:
    pixels = decode_photograph(gif_with_a_small_frame())
    assert pixels.shape == (16, 20, 3)
    assert (pixels[:2] == 255).all()
    assert (pixels[2:10, 4:14] == [0, 0, 255]).all()


def test_an_animation_whose_first_picture_is_for_other_programs() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("green", "red", "blue")]
    data = saved(frames[0], "PNG", save_all=True, append_images=frames[1:], default_image=True)
    np.testing.assert_array_equal(decode_photograph(data)[0, 0], [255, 0, 0])


def test_chromium_shows_the_same_pixels() -> None:
    """Where it shows any: of a file that is cut off it leaves out more than is left out here."""
    with shown_by_chromium() as show:
        for name, data in pictures().items():
            shown = show(data)
            assert shown is not None, name
            here = decode_photograph(data)
            assert here.shape[:2] == shown.shape[:2], name
            alpha = shown[..., 3:] / 255
            expected = shown[..., :3] * alpha + 255 * (1 - alpha)
            seen = shown[..., 3] > 0 if "cut off" in name else np.ones(here.shape[:2], bool)
            assert seen.any(), name
            assert np.abs(here - expected)[seen].max() <= 3, name


@pytest.mark.parametrize("kind", ["TIFF", "JPEG2000", "PPM"])
def test_what_only_this_server_reads(kind: str) -> None:
    """The guide says that annotators see none of these."""
    data = saved(Image.fromarray(RGB), kind)
    np.testing.assert_array_equal(decode_photograph(data), RGB)
    with shown_by_chromium() as show:
        assert show(data) is None
