"""Opacity: which pixels of soft masks count as painted, and regions without any."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_HALF = 127
_BESIDE = np.ones((3, 3), np.uint8)
_AREA = np.ones((2, 2), np.uint8)


class NothingDrawn(ValueError):
    """A region without a painted pixel: unfinished, or erased. Nothing of the photograph is lost with it."""


def painted_pixels(alpha: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels that the editor shows as painted.

    The editor softens the edges of strokes over a pixel or two, so an edge is cut where it is half covered. How opaque
    a mask is as a whole says nothing: other tools write masks of 1 or 100, and Label Studio shows, edits and submits
    them like those of 255. Hence:

    - where all that is painted is equally opaque, there are no soft edges and all of it counts;
    - elsewhere every pixel above half counts, and weaker ones where they form an area and not just the edge of a
      stronger one. What an eraser leaves along the edge of a stroke is a line without area and does not count.

    Args:
        alpha: uint8 (height, width), 0 is transparent.

    Returns:
        bool (height, width).

    Examples:
        >>> painted_pixels(np.array([[0, 100, 255]], np.uint8)).tolist()
        [[False, False, True]]
        >>> painted_pixels(np.array([[0, 100, 100]], np.uint8)).tolist()
        [[False, True, True]]
    """
    painted: NDArray[np.bool_] = alpha > _HALF
    weak = (alpha > 0) & ~painted
    if not weak.any():
        return painted
    strongest = int(alpha.max())
    if int(alpha[alpha > 0].min()) == strongest:
        return alpha > 0
    beside = cv2.dilate(alpha, _BESIDE)
    weakest = cv2.erode(alpha, _BESIDE, borderType=cv2.BORDER_REPLICATE)
    flat = (alpha > 0) & (alpha.astype(np.uint16) * 2 > beside)
    # Between a weak and a strong area there is no edge to the outside.
    candidates = (flat | (weakest > 0)).astype(np.uint8)
    # Opened with anchors of its own: OpenCV's moves what it opens with an even kernel.
    squares = cv2.erode(candidates, _AREA, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    area = cv2.dilate(squares, _AREA, anchor=(1, 1))
    return painted | (weak & (area > 0))
