"""Photographs lie here as they lie in the browser, however their files say it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ihp_backend.parsing.photograph import decode_photograph, read_photograph

from .browser import shown_by_chromium
from .image_files import chunk, exif_segment, jpeg, picture, png, riff, saved, tiff_block, turned, webp
from .orientation_cases import all_cases

CASES = all_cases()


def orientation_of(pixels: NDArray[np.uint8]) -> int:
    """Which of the eight a picture is, whatever its codec did to the colours."""

    def away(orientation: int) -> float:
        expected = turned(picture().astype(int), orientation)
        return float(np.abs(expected - pixels).mean()) if expected.shape == pixels.shape else np.inf

    best = min(range(1, 9), key=away)
    assert away(best) < 8
    return best


@pytest.mark.parametrize("name", CASES)
def test_files_are_turned_as_chromium_turned_them(name: str) -> None:
    data, orientation = CASES[name]
    assert orientation_of(decode_photograph(data)) == orientation


def test_chromium_still_turns_them_so() -> None:
    with shown_by_chromium() as show:
        for name, (data, orientation) in CASES.items():
            shown = show(data)
            assert shown is not None, name
            assert orientation_of(shown[..., :3]) == orientation, name


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_which_browsers_do_not_show_is_turned_by_its_own_tag(orientation: int) -> None:
    data = saved(Image.fromarray(picture()), "TIFF", tiffinfo={0x0112: orientation})
    assert orientation_of(decode_photograph(data)) == orientation


@pytest.mark.parametrize("orientation", range(5, 9))
@pytest.mark.parametrize("kind", ["heeded", "not heeded"])
def test_the_other_orientation_of_a_file(orientation: int, kind: str) -> None:
    """A JPEG has its stored pixels besides, a WebP and a PNG with a late chunk what they say."""
    block = tiff_block(orientation)
    if kind == "heeded":
        files = [jpeg(exif_segment(block)), saved(Image.fromarray(picture()), "TIFF", tiffinfo={0x0112: orientation})]
        other = 1
    else:
        files = [webp(riff(b"EXIF", block)), png(after=[chunk(b"eXIf", block)]), jpeg(exif_segment(_as_long(block)))]
        other = orientation
    for data in files:
        photograph = read_photograph(data)
        height, width = photograph.pixels.shape[:2]
        found = photograph.other_orientation((width, height))
        assert found == other
        lying = photograph.in_orientation(found)
        assert orientation_of(lying) == other
        np.testing.assert_array_equal(photograph.upright(lying[..., 0], found), photograph.pixels[..., 0])


def _as_long(block: bytes) -> bytes:
    return block.replace(b"\x12\x01\x03\x00", b"\x12\x01\x04\x00")


def test_no_other_orientation_is_made_up() -> None:
    assert read_photograph(jpeg()).other_orientation((32, 16)) is None
    assert read_photograph(jpeg(exif_segment(tiff_block(3)))).other_orientation((32, 16)) is None
    assert read_photograph(jpeg(exif_segment(tiff_block(6)))).other_orientation((16, 33)) is None
