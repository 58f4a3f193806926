"""What an accepted label map says of the pixels that nobody drew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE

NOTICEABLE = 0.01
"""Share of a photograph from which on a part that a parser sees there would not have been overlooked."""


def completed(
    label_map: NDArray[np.uint8], expected: NDArray[np.uint8], unknown: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Lets undrawn pixels be background, but for parts that seem to have been left out.

    Those are undrawn pixels in which a part of a noticeable size is expected under a label that was not drawn at all:
    it may have been left out on purpose, or overlooked. Where a label was drawn, it was drawn as far as it goes: what
    is expected of it beyond that is a mistake of the parser, and worth more than anything else to learn from.

    Args:
        label_map: uint8 (height, width), 255 where nothing is drawn.
        expected: uint8 (height, width), what a parser sees without clicks, in the same ids.
        unknown: bool (height, width), undrawn pixels that stay as they are.

    Returns:
        The label map with background where it is meant.
    """
    undrawn = label_map == IGNORE
    drawn = np.bincount(label_map.ravel(), minlength=256) > 0
    left_out = (np.bincount(expected[undrawn], minlength=256) >= NOTICEABLE * expected.size) & ~drawn
    left_out[0] = False
    return np.where(undrawn & ~unknown & ~left_out[expected], 0, label_map).astype(np.uint8)
