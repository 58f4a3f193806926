"""Click: one keypoint an annotator (or a simulated one) placed on a photograph."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Click:
    """A click at a pixel.

    Attributes:
        x: column in image pixels, 0 at the left.
        y: row in image pixels, 0 at the top.
        label: id in the label set that goes with the image; 0 is the background.
        positive: False says "this pixel is not of this label".

    Examples:
        >>> Click(x=120, y=80, label=13)
        Click(x=120, y=80, label=13, positive=True)
        >>> Click(120, 80, 13, positive=False).positive
        False
    """

    x: int
    y: int
    label: int
    positive: bool = True
