"""Prompt box: a rectangle that an annotator draws around a part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Box:
    """A rectangle in percent of the image; ``rotation`` in degrees, clockwise about the corner (x, y)."""

    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0

    def corners(self, height: int, width: int) -> NDArray[np.float64]:
        """The box's corners in pixels of an image of that size, float64 (4, 2) as (x, y)."""
        turn = math.radians(self.rotation)
        right = np.array([math.cos(turn), math.sin(turn)]) * self.width / 100 * width
        down = np.array([-math.sin(turn), math.cos(turn)]) * self.height / 100 * height
        corner = np.array([self.x / 100 * width, self.y / 100 * height])
        return np.stack([corner, corner + right, corner + right + down, corner + down])

    def is_on(self, height: int, width: int) -> bool:
        """Whether the box covers any of an image of that size."""
        image = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        area, _ = cv2.intersectConvexConvex(self.corners(height, width).astype(np.float32), image)
        return bool(area > 0)

    def mask(self, height: int, width: int) -> NDArray[np.uint8]:
        """uint8 (height, width), 1 inside the box."""
        inside = np.zeros((height, width), dtype=np.uint8)
        corners = np.clip(np.rint(self.corners(height, width)), -(1 << 15), 1 << 15)
        cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
        return inside
