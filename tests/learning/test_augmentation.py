"""Random views keep photograph and parsing together."""

from __future__ import annotations

import numpy as np
import pytest

from ihp_backend.datasets import Sample
from ihp_backend.labels import CCP
from ihp_backend.learning.augmentation import mirror, pad_to_multiple, random_crop, random_view, rescale


def sample(height: int = 60, width: int = 40) -> Sample:
    """A photograph whose red channel says where a pixel is and whose green channel says its label."""
    parsing = np.random.default_rng(0).integers(0, 24, (height, width)).astype(np.uint8)
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.arange(height)[:, None] + np.arange(width)
    image[..., 1] = parsing
    return Sample(image, parsing, "x")


def test_mirroring_twice_changes_nothing_and_once_swaps_sides() -> None:
    image, parsing = sample().image, sample().parsing
    once = mirror(image, parsing, CCP)
    assert (once[1][parsing[:, ::-1] == 14] == 15).all()
    assert (once[1][parsing[:, ::-1] == 9] == 9).all()
    for before, after in zip((image, parsing), mirror(*once, CCP), strict=True):
        np.testing.assert_array_equal(before, after)


def test_mirroring_keeps_ignored_pixels() -> None:
    parsing = np.full((2, 2), 255, np.uint8)
    assert (mirror(np.zeros((2, 2, 3), np.uint8), parsing, CCP)[1] == 255).all()


@pytest.mark.parametrize("size", [(20, 30), (100, 30), (20, 90), (100, 90)])
def test_crops_have_the_size_and_ignore_what_lies_outside(size: tuple[int, int]) -> None:
    whole = sample()
    image, parsing = random_crop(whole.image, whole.parsing, size, np.random.default_rng(1))
    assert image.shape == (*size, 3)
    assert parsing.shape == size
    inside = parsing != 255
    assert inside.sum() == min(size[0], 60) * min(size[1], 40)
    np.testing.assert_array_equal(image[..., 1][inside], parsing[inside])
    assert (image[~inside] == 127).all()


def test_scaling_keeps_label_ids() -> None:
    whole = sample()
    image, parsing = rescale(whole.image, whole.parsing, 1.5)
    assert image.shape == (90, 60, 3)
    assert parsing.shape == (90, 60)
    assert set(np.unique(parsing)) <= set(np.unique(whole.parsing))


def test_padding_reaches_the_next_multiple_at_the_bottom_right() -> None:
    whole = sample(33, 32)
    image, parsing = pad_to_multiple(whole.image, whole.parsing, 32)
    assert parsing.shape == (64, 32)
    np.testing.assert_array_equal(image[:33, :32], whole.image)
    assert (parsing[33:] == 255).all()


def test_a_generator_decides_the_view() -> None:
    views = [random_view(sample(), CCP, (48, 32), (0.5, 1.5), np.random.default_rng(seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(views[0][0], views[1][0])
    assert (views[0][0] != views[2][0]).any()
