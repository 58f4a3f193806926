"""Sub-part augmentation: pieces of labels that a view takes for labels of their own.

A data set teaches its own labels only. Where a stripe of a coat, a hand or what lies on one side of a line is a part
that somebody clicks, a network learns to follow clicks on what it has no name for, against what it expects there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.clicks.connected_components import number_regions
from ihp_backend.labels import IGNORE

Mask = NDArray[np.bool_]

Labels = TypeVar("Labels", NDArray[np.uint8], Tensor)
"""A parsing of any shape."""

SMOOTHING = 1.0
"""Standard deviation in pixels by which a photograph is blurred before colours are compared."""

TOLERANCES = (4.0, 30.0)
"""How much the colours of a piece may differ from that of its first pixel, in each of the three channels."""


@dataclass(frozen=True)
class SubPartRecipe:
    """Recipe by which pieces are drawn.

    Attributes:
        share: of the views in which something is carved.
        limit: largest number of labels of a view that lose a piece.
        minimum_area: pixels that a piece has at least, and that its label keeps.
        largest: share of its label that a piece takes at most.
        component: share of the pieces that are one of a label's components.
        half: share of the pieces that are what lies on one side of a line; the rest is what has one colour.
        pieces: largest number of pieces that a label loses; a later one may be a piece of an earlier one.
    """

    share: float = 0.0
    limit: int = 3
    minimum_area: int = 20
    largest: float = 0.7
    component: float = 0.2
    half: float = 0.1
    pieces: int = 1

    def draw(
        self, image: NDArray[np.uint8], parsing: NDArray[np.uint8], num_labels: int, rng: np.random.Generator
    ) -> NDArray[np.uint8]:
        """A parsing in which the k-th piece of label n, if it has one, is label ``k * num_labels + n``.

        Args:
            image: uint8 (height, width, 3).
            parsing: uint8 (height, width), 255 = ignore.
            num_labels: of the data set.
            rng: of the pieces.
        """
        if rng.random() >= self.share:
            return parsing
        carved, smooth = parsing.copy(), cv2.GaussianBlur(image, (0, 0), SMOOTHING).view(np.uint8)
        shown = np.setdiff1d(np.unique(parsing), IGNORE)
        for label in rng.permutation(shown)[: int(rng.integers(1, self.limit + 1))].tolist():
            count = int(rng.integers(1, self.pieces + 1)) if self.pieces > 1 else 1
            sources = [label]
            for number in range(1, count + 1):
                mask = carved == (sources[int(rng.integers(len(sources)))] if number > 1 else label)
                piece = self._piece(smooth, mask, rng)
                area, whole = int(piece.sum()), int(mask.sum())
                if self.minimum_area <= area <= min(self.largest * whole, whole - self.minimum_area):
                    sources.append(number * num_labels + label)
                    carved[piece] = sources[-1]
        return carved

    def _piece(self, smooth: NDArray[np.uint8], mask: Mask, rng: np.random.Generator) -> Mask:
        row, column = np.nonzero(mask)
        chosen = int(rng.integers(len(row)))
        y, x = int(row[chosen]), int(column[chosen])
        kind = rng.random()
        if kind < self.component:
            components = number_regions(mask.view(np.uint8))
            return np.asarray(components == components[y, x])
        if kind < self.component + self.half:
            angle = rng.uniform(0, 2 * np.pi)
            rows, columns = np.indices(mask.shape)
            return np.asarray(mask & ((rows - y) * np.sin(angle) + (columns - x) * np.cos(angle) > 0))
        return _of_one_colour(smooth, mask, (y, x), float(rng.uniform(*TOLERANCES)))


def _of_one_colour(smooth: NDArray[np.uint8], mask: Mask, place: tuple[int, int], tolerance: float) -> Mask:
    """The part of a mask that is connected to a place through pixels like it, without specks and holes."""
    blocked = np.pad((~mask).view(np.uint8), 1, constant_values=1)
    filled, either = 2, (tolerance,) * 3
    flags = 4 | filled << 8 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
    cv2.floodFill(smooth, blocked, place[::-1], 0, either, either, flags)
    piece, square = (blocked[1:-1, 1:-1] == filled).view(np.uint8), np.ones((3, 3), np.uint8)
    piece = cv2.morphologyEx(cv2.morphologyEx(piece, cv2.MORPH_CLOSE, square), cv2.MORPH_OPEN, square).view(np.uint8)
    return np.asarray((piece > 0) & mask)


def without_pieces(parsing: Labels, num_labels: int) -> Labels:
    """A parsing in which every piece belongs to its label again."""
    return parsing - (parsing - parsing % num_labels) * (parsing != IGNORE)
