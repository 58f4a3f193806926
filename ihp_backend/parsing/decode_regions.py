"""Decode regions: the boxes of a photograph in which a label is decoded.

Most labels are small, and decoding all of them everywhere would take most of a click's time. What speaks for a label is
its clicks and what is near and like them, its prior, and where the parsing so far has it. On CCP photographs of val,
with a click on each part, 0.04 % of the pixels get another label than from decoding everywhere, and 0.12 % where no
label is known by name; as many of them are right.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.convex_upsampling import STRIDE
from ihp_backend.parsing.engines.base import DecoderInputs
from ihp_backend.parsing.label_planes import LabelSums, pooled
from ihp_backend.parsing.rectangle import Rectangle

BLOCK = 16
"""Boxes begin and end at multiples of this many working pixels."""


class Box(Rectangle):
    """Rows and columns of blocks."""

    @classmethod
    def around(cls, cells: NDArray[np.bool_], stride: int, margin: int) -> list[Box]:
        """Small boxes around some cells and a margin, which do not overlap; none where there are no cells.

        Args:
            cells: bool (h, w).
            stride: working pixels per cell along each axis.
            margin: blocks on each side, as far as the photograph goes.

        Examples:
            >>> cells = np.zeros((16, 16), bool)
            >>> cells[5, 9] = True
            >>> Box.around(cells, stride=4, margin=1)
            [Box(top=0, left=1, bottom=3, right=4)]
        """
        side = BLOCK // stride
        blocks = cells[::side, ::side].astype(np.uint8)
        for phase in range(1, side**2):
            blocks |= cells[phase // side :: side, phase % side :: side]
        if not blocks.any():
            return []
        near = cv2.dilate(blocks, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        pieces = cv2.connectedComponentsWithStats(near, connectivity=4)[2][1:, : cv2.CC_STAT_AREA].tolist()
        return _joined([cls(y, x, y + height, x + width) for x, y, width, height in pieces])

    def part(self, stride: int) -> tuple[slice, slice]:
        """Its rows and columns in a grid of that stride."""
        side = BLOCK // stride
        return slice(self.top * side, self.bottom * side), slice(self.left * side, self.right * side)

    def of(self, grid: NDArray[Any], stride: int) -> NDArray[Any]:
        """The box's part of a grid (..., h, w) of that stride, a view."""
        return grid[(..., *self.part(stride))]


def _joined(boxes: list[Box]) -> list[Box]:
    """Joins boxes until none overlaps another."""
    separate: list[Box] = []
    for box in boxes:
        while met := [other for other in separate if box.overlaps(other)]:
            for other in met:
                separate.remove(other)
                box = box.with_(other)
        separate.append(box)
    return separate


HINT = 0.05
"""A sum of click kernels from which on it speaks for a label ..."""

SHARE = 0.1
"""... if it is this much of all labels' sums."""

ALIKE = 1.0
"""Sharpness of the kernels that say more than that a place is near, or of the clicked colour."""

LIKELY = 0.2
"""A prior from which on it speaks for a label."""

MARGIN = 3
"""Blocks that are decoded around what speaks for a label, so that the decoder sees what is near."""


def evidence(sums: LabelSums, prior: Floats, inputs: DecoderInputs) -> NDArray[np.bool_]:
    """Cells in which anything speaks for each label, bool (A, h, w).

    Args:
        sums: of the coarser kernels.
        prior: float32 (1, known labels, h, w), probabilities, at the same stride.
        inputs: clicks and labels.
    """
    described = sums.described
    faint = np.float32(described.faint)
    found = pooled(inputs.previous, described.stride // STRIDE) > 0
    for row, known in zip(*np.nonzero(inputs.known), strict=True):
        if row:
            found[row] |= prior[0, known] > LIKELY
    # The background stands for several labels of the model, so they are summed.
    found[0] |= prior[0, inputs.known[0] > 0].sum(0) > LIKELY
    click, label = np.nonzero(inputs.own * inputs.inside()[:, None])
    row, column = (inputs.places[click] // described.stride).T
    found[label, row, column] = True
    for number, kernel in enumerate(described.kernels):
        # Being near alone says too little: where two labels' clicks are close it speaks for both of them. So does a
        # colour: with those a third more would be decoded, for as many right pixels.
        if kernel.sharpness > ALIKE and "strength" in kernel.planes:
            alike = sums.own[number] > HINT
            if "share" in kernel.planes:
                alike &= sums.own[number] > SHARE * (sums.total[number] + faint)
            found |= alike
    if inputs.needed is not None:
        found &= shrunk(inputs.needed, described.stride // STRIDE)
    return found


def shrunk(cells: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Which squares of ``side`` cells along each axis hold any of some cells, bool (h / side, w / side)."""
    height, width = cells.shape
    return np.asarray(cells.reshape(height // side, side, width // side, side).any((1, 3)))
