"""Where labels are decoded: around what speaks for them.

Most labels are small, and decoding all of them everywhere would take most of a click's time. What speaks for a label is
its clicks and what is near and like them, its prior, and where the parsing so far has it. On CCP photographs of val,
with a click on each part, 0.04 % of the pixels get another label than from decoding everywhere, and 0.12 % where no
label is known by name; as many of them are right.
"""

from __future__ import annotations

import numpy as np

from ihp_backend.parsing.box import Box
from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.label_planes import PREVIOUS, PRIOR, LabelPlanes
from ihp_backend.parsing.live_engine import Question

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


def boxes(described: LabelPlanes, planes: Floats, question: Question) -> list[list[Box]]:
    """For each label of a question the boxes in which it is decoded, none for one that nothing speaks for.

    Args:
        described: how the planes were made.
        planes: float32 (A, planes, h, w).
        question: clicks and labels.
    """
    order = {plane: number for number, plane in enumerate(described.order)}
    speaking = planes[:, order[None, PRIOR]] > LIKELY
    speaking |= planes[:, order[None, PREVIOUS]] > 0
    click, label = np.nonzero(question.own)
    row, column = (question.places[click] // described.stride).T
    speaking[label, row, column] = True
    hint = np.array([HINT], np.float32)
    described.visible(hint, hint)
    for number, kernel in enumerate(described.kernels):
        # Being near alone says too little: where two labels' clicks are close it speaks for both of them. So does a
        # colour: with those a third more would be decoded, for as many right pixels.
        if kernel.sharpness > ALIKE and "strength" in kernel.planes:
            alike = planes[:, order[number, "strength"]] > hint
            if "share" in kernel.planes:
                alike &= planes[:, order[number, "share"]] > SHARE
            speaking |= alike
    return [Box.around(cells, described.stride, MARGIN) for cells in speaking]
