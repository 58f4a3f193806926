from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.masks.opacity import painted_pixels

SHAPE = np.zeros((60, 80), bool)
SHAPE[10:40, 20:60] = True
SHAPE[30:55, 5:25] = True


def softened(mask: np.ndarray, opacity: int = 255) -> np.ndarray:
    """A mask with edges as strokes have them: each pixel as opaque as it is covered."""
    fine = np.zeros((mask.shape[0] * 8, mask.shape[1] * 8), np.float32)
    fine[3:, 5:] = mask.repeat(8, 0).repeat(8, 1)[:-3, :-5]  # Edges that fall between pixels.
    covered = cv2.resize(fine, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.round(covered * opacity).astype(np.uint8)


@pytest.mark.parametrize("opacity", [1, 2, 100, 127, 128, 255])
def test_of_an_even_mask_all_counts(opacity: int) -> None:
    np.testing.assert_array_equal(painted_pixels(np.where(SHAPE, opacity, 0).astype(np.uint8)), SHAPE)


def test_soft_edges_are_cut_at_half() -> None:
    np.testing.assert_array_equal(painted_pixels(softened(SHAPE)), softened(SHAPE) > 127)


@pytest.mark.parametrize("opacity", [40, 100])
def test_a_weak_mask_with_soft_edges_is_as_large_as_a_strong_one(opacity: int) -> None:
    weak, strong = painted_pixels(softened(SHAPE, opacity)), painted_pixels(softened(SHAPE))
    assert (weak ^ strong).sum() <= 4  # Corners.


def test_a_strong_stroke_on_a_weak_mask_leaves_both_painted() -> None:
    alpha = np.where(SHAPE, 100, 0).astype(np.uint8)
    stroke = np.zeros_like(SHAPE)
    stroke[20:30, 30:75] = True
    both = np.maximum(alpha, softened(stroke))
    found = painted_pixels(both)
    assert (~found[SHAPE]).sum() <= 4  # Where the stroke leaves the mask.
    assert not (found & ~SHAPE & (both <= 127)).any()


def test_what_an_eraser_leaves_along_the_edge_does_not_count() -> None:
    stroke = softened(SHAPE).astype(float) / 255
    left = np.round(stroke * (1 - stroke) * 255).astype(np.uint8)
    assert left.max() > 50
    assert not painted_pixels(left).any()


@given(st.binary(min_size=35, max_size=35))
def test_of_any_mask_the_strong_pixels_count_and_the_empty_ones_do_not(pixels: bytes) -> None:
    alpha = np.frombuffer(pixels, np.uint8).reshape(5, 7)
    found = painted_pixels(alpha)
    assert found[alpha > 127].all()
    assert not found[alpha == 0].any()
