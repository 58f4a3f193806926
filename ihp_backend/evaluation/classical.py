"""Classical parsers, which know nothing about people: the baselines that every network must beat."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parse
from ihp_backend.parsing.last_answer import LastAnswer

Image = NDArray[np.uint8]
MARKER_RADIUS = 3
"""Pixels around a click that the watershed starts from; a single pixel is often a fold or a seam."""


class NearestClick:
    """Gives every pixel the label of the nearest click (Voronoi cells); background without any.

    Negative clicks name no label and are left out. Of clicks equally near the later one counts.
    """

    version = "nearest-click"

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels

    def open(self, image: Image) -> Image:
        """The photograph itself, of which only the size matters."""
        return image

    def parse(
        self,
        scene: Image,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        """The cells of ``clicks``; ``previous`` is not used."""
        height, width = scene.shape[:2]
        label_map = np.zeros((height, width), np.uint8)
        nearest = np.full((height, width), np.iinfo(np.int32).max, np.int32)
        rows, columns = np.arange(height, dtype=np.int32)[:, None], np.arange(width, dtype=np.int32)
        for click in clicks:
            if not click.positive:
                continue
            distance = (rows - click.y) ** 2 + (columns - click.x) ** 2
            label_map[distance <= nearest] = click.label
            np.minimum(nearest, distance, out=nearest)
        return Parse(label_map, _confidence(label_map, len(self.labels)))


class Watershed:
    """OpenCV's watershed on the photograph's colours, flooded from the clicks; background without any.

    Negative clicks name no label and are left out. Of clicks at one pixel the later one counts.

    Args:
        labels: the label set of the clicks.
        radius: of the disk in pixels that is flooded from around a click.
    """

    def __init__(self, labels: LabelSet, radius: int = MARKER_RADIUS) -> None:
        self.labels, self.radius = labels, radius
        self.version = f"watershed-{radius}"

    def open(self, image: Image) -> Image:
        """The photograph with a frame of one pixel, for OpenCV never floods the outermost pixels."""
        return np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")

    def parse(
        self,
        scene: Image,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        """The flooded label map; ``previous`` is not used."""
        markers = np.zeros(scene.shape[:2], np.int32)
        positive = [click for click in clicks if click.positive]
        for click in positive:
            cv2.circle(markers, (click.x + 1, click.y + 1), self.radius, click.label + 1, cv2.FILLED)
        for click in positive:  # A later click's disk may have covered an earlier click.
            markers[click.y + 1, click.x + 1] = click.label + 1
        cv2.watershed(scene, markers)
        flooded = np.maximum(markers, 0).astype(np.uint8)
        # The lines where floods meet, and the frame, go to one of the labels beside them.
        beside = cv2.dilate(flooded, np.ones((3, 3), np.uint8))
        label_map = np.maximum(np.where(flooded == 0, beside, flooded), 1)[1:-1, 1:-1] - 1
        return Parse(label_map, _confidence(label_map, len(self.labels)))


def _confidence(label_map: NDArray[np.uint8], num_labels: int) -> NDArray[np.float32]:
    """1 for labels that are shown, 0 for others: these parsers have no doubts."""
    return (np.bincount(label_map.ravel(), minlength=num_labels) > 0).astype(np.float32)
