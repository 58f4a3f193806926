"""What an accepted label map says of the pixels that nobody drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE

NOTICEABLE = 0.01
"""Share of a photograph from which on a part that a parser sees there would not have been overlooked."""


def completed(label_map: NDArray[np.uint8], expected: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lets undrawn pixels be background where the photograph was annotated as a whole.

    It was, if nothing of a noticeable size is expected under a label that was not drawn at all. Even then undrawn
    pixels in which a part is expected stay undrawn: it may have been left out on purpose, or overlooked.

    Args:
        label_map: uint8 (height, width), 255 where nothing is drawn.
        expected: uint8 (height, width), what a parser sees without clicks, in the same ids.

    Returns:
        The label map with background where it is meant, or as it was.
    """
    undrawn = label_map == IGNORE
    seen = np.bincount(expected.ravel(), minlength=256) >= NOTICEABLE * expected.size
    drawn = np.bincount(label_map.ravel(), minlength=256) > 0
    if (seen & ~drawn)[1:IGNORE].any():
        return label_map
    return np.where(undrawn & (expected == 0), 0, label_map).astype(np.uint8)
