"""The band around edges against looking at every pair of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.evaluation import near_edge


def slow(parsing: NDArray[np.uint8], distance: int) -> NDArray[np.bool_]:
    height, width = parsing.shape
    pixels = [(y, x) for y in range(height) for x in range(width) if parsing[y, x] != 255]
    band = np.zeros(parsing.shape, bool)
    for y, x in pixels:
        band[y, x] = any(
            parsing[y, x] != parsing[v, u] and (y - v) ** 2 + (x - u) ** 2 <= distance**2 for v, u in pixels
        )
    return band


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 14), st.integers(1, 14), st.integers(1, 6))
def test_equal_to_looking_at_every_pair(seed: int, height: int, width: int, distance: int) -> None:
    rng = np.random.default_rng(seed)
    parsing = np.full((height, width), 3, np.uint8)
    for label in (0, 7, 255, 254):  # Rectangles, so that some pixels are far from every edge.
        y, x = rng.integers(height), rng.integers(width)
        parsing[y : y + rng.integers(5), x : x + rng.integers(5)] = label
    np.testing.assert_array_equal(near_edge(parsing, distance), slow(parsing, distance))


@pytest.mark.parametrize("label", [0, 255])
def test_no_edge_without_a_second_label(label: int) -> None:
    assert not near_edge(np.full((20, 20), label, np.uint8)).any()
