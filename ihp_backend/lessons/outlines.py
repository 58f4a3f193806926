"""What an accepted mask does not tell: where exactly a part ends.

Annotators let outlines pass that are off by a pixel, so an accepted mask has those of the model that drew it. Held
against it, that model looks better than it is: a version was a whole point of mIoU ahead of another one on 100
photographs that it had been clicked on, and half a point behind it on the true masks of the same photographs.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import IGNORE

LEAST_INSIDE = 0.3
"""Share of a label's pixels that must lie off its outline; of what is thinner nothing would be left to judge by."""


def without_outlines(label_map: NDArray[np.uint8], breadth: int) -> NDArray[np.uint8]:
    """A label map in which pixels near an outline are ignored, but for those of labels that are hardly more than that.

    Args:
        label_map: uint8 (height, width), 255 where nothing is drawn.
        breadth: pixels on both sides of an outline.
    """
    window = np.ones((2 * breadth + 1, 2 * breadth + 1), np.uint8)
    outline = cv2.morphologyEx(label_map, cv2.MORPH_GRADIENT, window) > 0
    inside = np.where(outline, IGNORE, label_map).astype(np.uint8)
    drawn, left = (np.bincount(pixels.ravel(), minlength=256) for pixels in (label_map, inside))
    thin = left < LEAST_INSIDE * drawn
    return np.where(thin[label_map], label_map, inside).astype(np.uint8)
