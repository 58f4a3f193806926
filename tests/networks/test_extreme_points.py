"""Extreme points, crops and Gaussians against brute force and the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ihp_backend.networks.extreme_points import Crop, extreme_points

PARTS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12)).filter(np.any)


@given(PARTS, st.none() | st.integers(0, 99))
def test_points_lie_on_the_part_and_no_pixel_lies_farther_out(part: np.ndarray, seed: int | None) -> None:
    points = extreme_points(part, None if seed is None else np.random.default_rng(seed))
    pixels = [(x, y) for y in range(part.shape[0]) for x in range(part.shape[1]) if part[y, x]]
    assert all((x, y) in pixels for x, y in points.tolist())
    left, right, top, bottom = points.tolist()
    assert left[0] == min(x for x, _ in pixels)
    assert right[0] == max(x for x, _ in pixels)
    assert top[1] == min(y for _, y in pixels)
    assert bottom[1] == max(y for _, y in pixels)


def test_any_of_equally_extreme_pixels_may_be_clicked() -> None:
    part = np.zeros((20, 20), np.bool_)
    part[5:9, 3:12] = True
    tops = {int(extreme_points(part, np.random.default_rng(seed))[2, 0]) for seed in range(200)}
    assert tops == set(range(3, 12))
    assert extreme_points(part)[2].tolist() == [7, 5]


def test_jitter_stays_within_its_reach_and_the_photograph() -> None:
    part = np.zeros((40, 40), np.bool_)
    part[20, 20] = part[0, 39] = True
    offsets, corners = [], []
    for seed in range(300):
        points = extreme_points(part, np.random.default_rng(seed), jitter=5)
        offsets.append(points[0] - 20)
        corners.append(points[1])
    assert np.min(offsets) == -5
    assert np.max(offsets) == 5
    assert np.min(corners) == 0
    assert np.max(corners) == 39


def test_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="part: no pixel belongs to it"):
        extreme_points(np.zeros((3, 3), np.bool_))
    with pytest.raises(ValueError, match="jitter: 5 given without a generator"):
        extreme_points(np.ones((3, 3), np.bool_), jitter=5)


def test_the_box_is_the_points_with_a_margin() -> None:
    crop = Crop.around(np.array([[10, 30], [40, 25], [20, 8], [22, 60]]), relax=5, side=32)
    assert crop == Crop(left=5, top=3, width=41, height=63, side=32)


@pytest.mark.parametrize("side", [512, 64])
def test_gaussians_follow_their_definition(side: int) -> None:
    points = np.array([[10, 30], [40, 25], [20, 8], [22, 60]])
    crop = Crop.around(points, 50, side)
    found = crop.gaussians(points, deviation=10)
    assert found.shape == (side, side)
    assert found.dtype == np.float32
    deviation = 10 * side / 512
    places = []
    for x, y in points:
        places.append(((x - crop.left + 0.5) * side // crop.width, (y - crop.top + 0.5) * side // crop.height))
    for row, column in np.random.default_rng(0).integers(0, side, (50, 2)):
        nearest = min((column - x) ** 2 + (row - y) ** 2 for x, y in places)
        assert found[row, column] == pytest.approx(np.exp(-nearest / (2 * deviation**2)), abs=1e-6)
    assert all(found[int(y), int(x)] == 1 for x, y in places)


def test_a_view_of_the_same_size_is_the_photograph_with_grey_around() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    parsing = image[..., 0] % 3
    crop = Crop(left=-6, top=4, width=24, height=24, side=24)
    view, labels = crop.view(image), crop.view_parsing(parsing, outside=255)
    np.testing.assert_array_equal(view[:16, 6:], image[4:, :18])
    np.testing.assert_array_equal(labels[:16, 6:], parsing[4:, :18])
    assert (view[:, :6] == 127).all()
    assert (view[16:] == 127).all()
    assert (labels[16:] == 255).all()
    back = crop.put_back(labels.astype(np.float32), 20, 30, outside=-1)
    np.testing.assert_array_equal(back[4:, :18], parsing[4:, :18])
    assert (back[:4] == -1).all()
    assert (back[:, 18:] == -1).all()


def test_a_stretched_view_comes_back_where_it_was() -> None:
    rows, columns = np.mgrid[:60, :40]
    inside = (((rows - 30) / 20) ** 2 + ((columns - 18) / 10) ** 2 < 1).astype(np.uint8)
    crop = Crop.around(extreme_points(inside == 1), 6, 128)
    back = crop.put_back(crop.view_parsing(inside, 0).astype(np.float32), 60, 40, outside=0)
    assert ((back > 0.5) != inside).mean() < 0.01
