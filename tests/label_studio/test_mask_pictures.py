"""Masks as pictures: what is written is read again, here and by others."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from ihp_backend.label_studio.masks import mask_pictures
from ihp_backend.label_studio.masks.mask_pictures import mask_data_urls, picture_mask
from ihp_backend.label_studio.web.data_uri import decode_data_uri


@settings(deadline=None)
@given(mask=arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_what_is_written_is_read_again(mask: np.ndarray) -> None:
    url = mask_data_urls(mask.astype(np.uint8), [1])[1]
    np.testing.assert_array_equal(picture_mask(url, *mask.shape), mask)
    wanted = np.where(mask, 255, 0)
    png = decode_data_uri(url, 10_000)
    with Image.open(io.BytesIO(png)) as picture:
        pixels = np.array(picture.convert("RGBA"))
    by_opencv = np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED))
    for read in (pixels, by_opencv):
        np.testing.assert_array_equal(read[..., 3], wanted)
        assert not read[..., :3].any()


def test_a_part_of_a_view_counts_as_it_looks() -> None:
    label_map = np.arange(30, dtype=np.uint8).reshape(5, 6) % 3
    view = label_map[::2, ::-1]
    np.testing.assert_array_equal(picture_mask(mask_data_urls(view, [1])[1], *view.shape), view == 1)


@pytest.mark.parametrize("cached", [1, 20, 1 << 18])
def test_all_labels_are_written_part_by_part(monkeypatch: pytest.MonkeyPatch, cached: int) -> None:
    monkeypatch.setattr(mask_pictures, "_CACHED", cached)
    label_map = np.random.default_rng(0).choice(np.array([0, 3, 200, 255], np.uint8), (23, 19))
    label_map[:9] = 3
    urls = mask_data_urls(label_map, [255, 3, 7])
    assert list(urls) == [255, 3, 7]
    for label, url in urls.items():
        np.testing.assert_array_equal(picture_mask(url, 23, 19), label_map == label)


def test_a_picture_without_its_palette_is_named() -> None:
    png = decode_data_uri(mask_data_urls(np.eye(4, dtype=np.uint8), [1])[1], 10_000)
    cut = png[: png.index(b"PLTE") - 4] + png[png.index(b"IDAT") - 4 :]
    url = "data:image/png;base64," + base64.b64encode(cut).decode()
    with pytest.raises(ValueError, match="the mask's picture cannot be read"):
        picture_mask(url, 4, 4)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (4,), (2, 2, 4)])
def test_what_is_no_mask(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="label_map: shape"):
        mask_data_urls(np.zeros(shape, np.uint8), [1])
