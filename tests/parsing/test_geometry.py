"""Sizes and clicks on the way into the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.clicks import Click
from ihp_backend.parsing.geometry import to_working_clicks, to_working_image, working_scale


@pytest.mark.parametrize(
    ("height", "width", "scale"),
    [
        (512, 200, 1.0),  # a slender person as in training
        (1024, 400, 0.5),
        (800, 800, 512 / 800 / 2**0.5),  # half the square of 512
        (60, 40, 2.0),  # enlarged, but not beyond twice
    ],
)
def test_working_scale(height: int, width: int, scale: float) -> None:
    assert working_scale(height, width, 512) == pytest.approx(scale)


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_working_images_are_bounded_and_fit_the_network(height: int, width: int) -> None:
    scale = working_scale(height, width, 512)
    image = np.broadcast_to(np.uint8(9), (height, width, 3))
    working = to_working_image(image, scale, 16)
    assert working.shape[0] % 16 == working.shape[1] % 16 == 0
    assert max(working.shape) <= 512
    assert working.shape[0] * working.shape[1] <= 512 * 512 / 2 + 16 * (512 + 512)
    assert (working[0, 0] == 9).all()


@given(st.integers(1, 2000), st.integers(1, 2000), st.data())
def test_clicks_stay_inside_and_in_order(height: int, width: int, data: st.DataObject) -> None:
    scale = working_scale(height, width, 512)
    xs = sorted(data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=5)))
    y = data.draw(st.integers(0, height - 1))
    moved = to_working_clicks([Click(x, y, 3, positive=False) for x in xs], height, width, scale)
    columns, rows = max(round(width * scale), 1), max(round(height * scale), 1)
    assert all(0 <= click.x < columns and 0 <= click.y < rows for click in moved)
    assert [click.x for click in moved] == sorted(click.x for click in moved)
    assert all(click.label == 3 and not click.positive for click in moved)
    # The click's place relative to the whole does not move by more than a working pixel.
    for before, after in zip(xs, moved, strict=True):
        assert abs((before + 0.5) / width - (after.x + 0.5) / columns) <= 1 / columns
