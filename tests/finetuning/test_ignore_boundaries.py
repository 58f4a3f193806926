from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ihp_backend.finetuning.training_set import LEAST_INSIDE, ignore_boundaries

MAPS = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.sampled_from([0, 1, 2, 255]))


def near_another(label_map: np.ndarray, y: int, x: int, breadth: int) -> bool:
    around = label_map[max(y - breadth, 0) : y + breadth + 1, max(x - breadth, 0) : x + breadth + 1]
    return bool((around != label_map[y, x]).any())


@given(MAPS, st.integers(1, 2))
def test_it_is_the_reference(label_map: np.ndarray, breadth: int) -> None:
    near = np.array(
        [[near_another(label_map, y, x, breadth) for x in range(label_map.shape[1])] for y in range(len(label_map))]
    )
    found = ignore_boundaries(label_map, breadth)
    for label in np.unique(label_map):
        own = label_map == label
        if label != 255 and (own & ~near).sum() < LEAST_INSIDE * own.sum():
            assert (found[own] == label).all()
        else:
            assert ((found[own] == 255) == (near[own] | (label == 255))).all()


@pytest.mark.parametrize(("breadth", "left"), [(1, 64), (2, 36)])
def test_a_part_keeps_its_inside(breadth: int, left: int) -> None:
    label_map = np.zeros((20, 20), np.uint8)
    label_map[5:15, 5:15] = 1
    assert (ignore_boundaries(label_map, breadth) == 1).sum() == left


def test_what_is_hardly_more_than_an_outline_stays() -> None:
    label_map = np.zeros((20, 20), np.uint8)
    label_map[9:11] = 1
    found = ignore_boundaries(label_map, 1)
    assert (found[9:11] == 1).all()
    assert (found[[8, 11]] == 255).all()
