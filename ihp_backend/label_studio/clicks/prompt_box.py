"""Prompt box: a rectangle that an annotator draws around a part, and the limit that it sets to the label."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.labels import LabelSet


@dataclass(frozen=True)
class Box:
    """A rectangle in percent of the image; ``rotation`` in degrees, clockwise about the corner (x, y)."""

    x: float
    y: float
    width: float
    height: float
    rotation: float = 0.0

    def corners(self, height: int, width: int) -> NDArray[np.float64]:
        """Its corners in pixels of an image of that size, float64 (4, 2) as (x, y)."""
        turn = math.radians(self.rotation)
        right = np.array([math.cos(turn), math.sin(turn)]) * self.width / 100 * width
        down = np.array([-math.sin(turn), math.cos(turn)]) * self.height / 100 * height
        corner = np.array([self.x / 100 * width, self.y / 100 * height])
        return np.stack([corner, corner + right, corner + right + down, corner + down])

    def is_on(self, height: int, width: int) -> bool:
        """Whether it covers any of an image of that size."""
        image = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        area, _ = cv2.intersectConvexConvex(self.corners(height, width).astype(np.float32), image)
        return bool(area > 0)

    def mask(self, height: int, width: int) -> NDArray[np.uint8]:
        """uint8 (height, width), 1 inside the box."""
        inside = np.zeros((height, width), dtype=np.uint8)
        corners = np.clip(np.rint(self.corners(height, width)), -(1 << 15), 1 << 15)
        cv2.fillPoly(inside, [corners.astype(np.int32)], 1)
        return inside


def keep_inside_boxes(label_map: NDArray[np.uint8], prompts: Mapping[str, Sequence[Prompt]], labels: LabelSet) -> None:
    """Cut labels with boxes to them, in place; a positive click outside says that its label goes further.

    Args:
        label_map: uint8 (height, width) in ids of ``labels``; what is cut off turns into background.
        prompts: label -> what stands for it; labels that are not in ``labels`` are passed over.
        labels: the labelling config's labels.
    """
    for name, active in prompts.items():
        boxes = [prompt.box for prompt in active if prompt.box is not None and prompt.positive]
        if not boxes or name not in labels.names:
            continue
        inside = np.zeros_like(label_map)
        for box in boxes:
            inside |= box.mask(*label_map.shape)
        if all(_is_inside(prompt, inside) for prompt in active if prompt.box is None and prompt.positive):
            label_map[(label_map == labels.id_of(name)) & (inside == 0)] = 0


def _is_inside(prompt: Prompt, inside: NDArray[np.uint8]) -> bool:
    click = prompt.to_click(0, *inside.shape)
    return bool(inside[click.y, click.x])
