from __future__ import annotations

import numpy as np
import pytest

from ihp_backend.parsing.decode_regions import BLOCK, Box


@pytest.mark.parametrize("stride", [4, 8, 16])
@pytest.mark.parametrize("margin", [0, 1, 3])
def test_boxes_around_cells_hold_them_all_and_no_more_than_that(stride: int, margin: int) -> None:
    rng, side = np.random.default_rng(0), BLOCK // stride
    for _ in range(50):
        height, width = rng.integers(1, 13, 2)
        cells = rng.random((height * side, width * side)) < 0.03 / side
        near = np.zeros((height, width), bool)
        for y, x in np.argwhere(cells) // side:
            near[max(y - margin, 0) : y + margin + 1, max(x - margin, 0) : x + margin + 1] = True
        covered = np.zeros((height, width), int)
        for box in Box.around(cells, stride, margin):
            inside = np.argwhere(box.of(near, BLOCK)) + box[:2]
            assert box == (*inside.min(0), *(inside.max(0) + 1))
            box.of(covered, BLOCK)[:] += 1
        assert covered.max() <= 1
        assert (covered[near] == 1).all()


def test_what_is_apart_is_in_boxes_of_its_own() -> None:
    cells = np.zeros((20, 20), bool)
    cells[1, 2] = cells[15, 16] = cells[16, 17] = True
    assert sorted(Box.around(cells, 16, 1)) == [(0, 1, 3, 4), (14, 15, 18, 19)]


def test_its_part_of_a_grid() -> None:
    pixels = np.arange(64 * 48).reshape(64, 48)
    box = Box(1, 0, 3, 2)
    np.testing.assert_array_equal(box.of(pixels, 1), pixels[16:48, :32])
    np.testing.assert_array_equal(box.of(pixels[::8, ::8], 8), pixels[16:48:8, :32:8])
    np.testing.assert_array_equal(Box(0, 0, 4, 3).of(pixels[None], 1), pixels[None])
