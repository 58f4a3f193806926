from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import Prompt, keep_inside_boxes
from ihp_backend.labels import LabelSet

LABELS = LabelSet(("background", "hat", "face"))
LEFT = Prompt("r1", "hat", 0, 0, box=Box(0, 0, 30, 100))
RIGHT = Prompt("r2", "hat", 80, 0, box=Box(80, 0, 19, 100))


def columns(*prompts: Prompt) -> list[int]:
    """The columns of a photograph of 10 x 10 pixels, all hat but for a row of face, that stay hat."""
    label_map = np.ones((10, 10), np.uint8)
    label_map[9] = 2
    keep_inside_boxes(label_map, {"hat": prompts, "wings": (LEFT,)}, LABELS)
    assert (label_map[9] == 2).all()
    return [int(column) for column in np.flatnonzero((label_map[:9] == 1).all(axis=0))]


@pytest.mark.parametrize(
    ("prompts", "kept"),
    [
        ((), range(10)),
        ((Prompt("c", "hat", 5, 5),), range(10)),
        ((LEFT,), range(4)),
        ((LEFT, RIGHT), (0, 1, 2, 3, 8, 9)),
        ((replace(LEFT, positive=False),), range(10)),
        ((LEFT, Prompt("c", "hat", 15, 50)), range(4)),
        ((LEFT, Prompt("c", "hat", 65, 50)), range(10)),
        ((LEFT, Prompt("c", "hat", 65, 50, positive=False)), range(4)),
    ],
)
def test_limits(prompts: tuple[Prompt, ...], kept: range) -> None:
    assert columns(*prompts) == list(kept)
