from __future__ import annotations

import numpy as np
import pytest

from ihp_backend.parsing.box import BLOCK, Box


@pytest.mark.parametrize("stride", [4, 8, 16])
@pytest.mark.parametrize("margin", [0, 1, 3])
def test_the_smallest_box_around_cells(stride: int, margin: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        rows, columns = rng.integers(1, 9, 2) * (BLOCK // stride)
        cells = rng.random((rows, columns)) < 0.02
        box = Box.around(cells, stride, margin)
        # Slowly: every block with such a cell in it, and those beside it.
        blocks = {(int(y) * stride // BLOCK, int(x) * stride // BLOCK) for y, x in np.argwhere(cells)}
        if not blocks:
            assert box is None
            continue
        (top, left), (bottom, right) = (
            [limit(block[axis] for block in blocks) for axis in (0, 1)] for limit in (min, max)
        )
        height, width = rows * stride // BLOCK, columns * stride // BLOCK
        expected = (max(top - margin, 0), max(left - margin, 0))
        assert box == (*expected, min(bottom + 1 + margin, height), min(right + 1 + margin, width))


def test_its_part_of_a_grid() -> None:
    pixels = np.arange(64 * 48).reshape(64, 48)
    box = Box(1, 0, 3, 2)
    np.testing.assert_array_equal(box.of(pixels, 1), pixels[16:48, :32])
    np.testing.assert_array_equal(box.of(pixels[::8, ::8], 8), pixels[16:48:8, :32:8])
    np.testing.assert_array_equal(Box.whole(64, 48).of(pixels[None], 1), pixels[None])
