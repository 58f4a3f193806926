"""Adjacent labels against a loop over neighbouring pixels."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ihp_backend.losses.adjacency import adjacent_labels

shapes = st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 5))
parsings = arrays(np.uint8, shapes, elements=st.sampled_from([0, 1, 2, 3, 255]))


@given(parsings)
def test_equal_to_a_loop_over_neighbours(parsing: np.ndarray) -> None:
    images, height, width = parsing.shape
    expected = np.zeros((images, 4, 4), bool)
    for n, y, x in np.ndindex(parsing.shape):
        for dy, dx in itertools.product((-1, 0, 1), repeat=2):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                one, other = int(parsing[n, y, x]), int(parsing[n, y + dy, x + dx])
                if one != other and 255 not in (one, other):
                    expected[n, one, other] = True
    assert (adjacent_labels(torch.from_numpy(parsing), 4).numpy() == expected).all()


def test_ignored_pixels_part_labels() -> None:
    parsing = torch.tensor([[[1, 255, 2], [1, 255, 2]]], dtype=torch.uint8)
    assert not adjacent_labels(parsing, 3).any()
