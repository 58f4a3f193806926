"""Label maps to click on: smooth ones as people look, and tiny wild ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

SEEDS = st.integers(0, 2**32 - 1)


def blobs(seed: int, height: int = 48, width: int = 40, labels: int = 5, ignored: bool = False) -> NDArray[np.uint8]:
    """A label map of smooth random regions, with a strip that is ignored if asked for."""
    noise = np.random.default_rng(seed).normal(size=(labels, height, width))
    parsing = np.stack([ndimage.gaussian_filter(plane, 4) for plane in noise]).argmax(0).astype(np.uint8)
    if ignored:
        parsing[:, :5] = 255
    return parsing


def disc(radius: int) -> NDArray[np.uint8]:
    """One round part in the middle of its background."""
    rows, columns = np.mgrid[-2 * radius : 2 * radius + 1, -2 * radius : 2 * radius + 1]
    return (rows**2 + columns**2 <= radius**2).astype(np.uint8)


def wild_maps(count: int) -> st.SearchStrategy[list[NDArray[np.uint8]]]:
    """``count`` label maps of one size from 1 x 1 to 9 x 9, of the first labels, the last one and ignored pixels."""
    elements = st.sampled_from([0, 1, 2, 254, 255])
    shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
    return shapes.flatmap(
        lambda shape: st.lists(arrays.arrays(np.uint8, shape, elements=elements), min_size=count, max_size=count)
    )
