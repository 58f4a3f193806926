"""Extreme points: the crop around a part that DEXTR is shown, and the Gaussians at its four points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PAPER_SIDE = 512
"""Side of the paper's crops; its deviation of the Gaussians is in pixels of such a crop."""

PADDING = 127
"""Grey that fills a crop beyond the photograph."""


def extreme_points(
    part: NDArray[np.bool_], rng: np.random.Generator | None = None, jitter: int = 0
) -> NDArray[np.intp]:
    """The left-most, right-most, top-most and bottom-most pixel of a part.

    Where several pixels are equally far out, the middle one of them is taken, or with ``rng`` any.

    Args:
        part: bool (height, width).
        rng: source of randomness; None: an annotator who always clicks the same.
        jitter: by how many pixels a point may be off in either direction; it stays in the photograph. Needs ``rng``.

    Returns:
        int (4, 2): x and y of the left, right, top and bottom point.

    Raises:
        ValueError: the part has no pixel.
    """
    rows, columns = np.nonzero(part)
    if len(rows) == 0:
        raise ValueError("part: no pixel belongs to it; extreme points exist only for parts that are in the photograph")
    points = []
    for along, end in ((columns, columns.min()), (columns, columns.max()), (rows, rows.min()), (rows, rows.max())):
        outermost = np.flatnonzero(along == end)
        chosen = outermost[len(outermost) // 2 if rng is None else rng.integers(len(outermost))]
        points.append((columns[chosen], rows[chosen]))
    found = np.array(points)
    if jitter:
        if rng is None:
            raise ValueError(f"jitter: {jitter} given without a generator; give rng, or jitter 0")
        found = found + rng.integers(-jitter, jitter + 1, found.shape)
    return np.clip(found, 0, np.array(part.shape[::-1]) - 1)


@dataclass(frozen=True)
class Crop:
    """The square view DEXTR has of a part: a box around its extreme points, stretched to a fixed side.

    Attributes:
        left, top, width, height: the box in image pixels; it may reach beyond the photograph.
        side: pixels of the view in both directions.
    """

    left: int
    top: int
    width: int
    height: int
    side: int

    @classmethod
    def around(cls, points: NDArray[np.intp], relax: int, side: int) -> Crop:
        """The points' bounding box, widened by ``relax`` image pixels on every side."""
        left, top = points.min(0) - relax
        width, height = points.max(0) - points.min(0) + 1 + 2 * relax
        return cls(int(left), int(top), int(width), int(height), side)

    def view(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph in the box, uint8 (side, side, 3), grey beyond its borders."""
        shrinks = self.width * self.height > self.side**2
        return self._cut(image, PADDING, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def view_parsing(self, parsing: NDArray[np.uint8], outside: int) -> NDArray[np.uint8]:
        """Label ids in the box, uint8 (side, side), ``outside`` beyond the photograph."""
        return self._cut(parsing, outside, cv2.INTER_NEAREST_EXACT)

    def gaussians(self, points: NDArray[np.intp], deviation: float) -> NDArray[np.float32]:
        """The largest of the Gaussians around the points at each pixel of the view.

        Args:
            points: int (n, 2), x and y in image pixels.
            deviation: standard deviation in pixels of a view of side ``PAPER_SIDE``, and in proportion for others.

        Returns:
            float32 (side, side), 1 at a point.
        """
        # Pixel centres are mapped to each other; a point lies in the pixel of the view that holds its centre.
        x = np.floor((points[:, 0] - self.left + 0.5) * self.side / self.width)
        y = np.floor((points[:, 1] - self.top + 0.5) * self.side / self.height)
        scaled = deviation * self.side / PAPER_SIDE
        pixels = np.arange(self.side)
        # A Gaussian in two dimensions is the product of one along each.
        across = np.exp(-((pixels - x[:, None]) ** 2) / (2 * scaled**2))
        down = np.exp(-((pixels - y[:, None]) ** 2) / (2 * scaled**2))
        return (down[:, :, None] * across[:, None, :]).max(0).astype(np.float32)

    def put_back(self, view: NDArray[np.float32], height: int, width: int, outside: float) -> NDArray[np.float32]:
        """A view's map in the photograph's size, float32 (height, width), ``outside`` beyond the box."""
        box = cv2.resize(view, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        whole = np.full((height, width), outside, np.float32)
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.height, height), min(self.left + self.width, width)
        whole[top:bottom, left:right] = box[top - self.top : bottom - self.top, left - self.left : right - self.left]
        return whole

    def _cut(self, pixels: NDArray[np.uint8], outside: int, interpolation: int) -> NDArray[np.uint8]:
        height, width = pixels.shape[:2]
        top, left = max(-self.top, 0), max(-self.left, 0)
        bottom, right = max(self.top + self.height - height, 0), max(self.left + self.width - width, 0)
        padded = cv2.copyMakeBorder(
            pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(outside, outside, outside)
        )
        box = padded[self.top + top :, self.left + left :][: self.height, : self.width]
        return cv2.resize(box, (self.side, self.side), interpolation=interpolation).astype(np.uint8, copy=False)


@dataclass(frozen=True)
class ExtremePointView:
    """View of a part for DEXTR, the same for training and for use.

    Attributes:
        side: pixels of the square crop, a multiple of 16; the paper takes 512.
        relax: image pixels that the crop shows around the extreme points on every side.
        deviation: of the Gaussians, in pixels of a crop of side 512, and in proportion for others.

    Raises:
        ValueError: a side that is no multiple of 16.
    """

    side: int = PAPER_SIDE
    relax: int = 50
    deviation: float = 10.0

    def __post_init__(self) -> None:
        if self.side < 16 or self.side % 16:
            raise ValueError(f"side: {self.side} given, a multiple of 16 needed; the paper's is {PAPER_SIDE}")

    def look(
        self, image: NDArray[np.uint8], points: NDArray[np.intp]
    ) -> tuple[Crop, NDArray[np.uint8], NDArray[np.float32]]:
        """The crop, what it shows uint8 (side, side, 3), and the Gaussians float32 (side, side)."""
        crop = Crop.around(points, self.relax, self.side)
        return crop, crop.view(image), crop.gaussians(points, self.deviation)


PAPER_VIEW = ExtremePointView()
"""As in the paper."""
