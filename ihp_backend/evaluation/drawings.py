"""Drawings of photographs with replacement (Efron 1979): what other photographs of the same kind would have said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.int64]
"""How often each photograph counts, (drawings, photographs)."""


def draw_photographs(count: int, drawings: int, seed: int) -> Weights:
    """As many of ``count`` photographs in each drawing, some of them several times."""
    return np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), drawings)
