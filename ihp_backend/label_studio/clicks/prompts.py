"""Prompts: the clicks and boxes with which annotators point, and the limits that boxes set to their labels.

Label Studio measures in percent of the image; a prompt stays in percent until the photograph's size is known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.problems import Problem
from ihp_backend.labels import LabelSet

MOST_PROMPTS = 1000
"""Prompts kept per task; the oldest give way."""


@dataclass(frozen=True)
class Prompt:
    """A keypoint or a box that stands on a photograph.

    Attributes:
        id: Label Studio's id of the region.
        label: label value of the labelling config.
        x, y: place in percent of the image's width and height, 0..100; a box's corner.
        positive: False says "this is not that label".
        box: the rectangle, None for a keypoint.
    """

    id: str
    label: str
    x: float
    y: float
    positive: bool = True
    box: Box | None = None

    def to_click(self, label: int, height: int, width: int) -> Click:
        """The click for an image of that size: the keypoint's pixel, or the middle of the box.

        100 % is the far edge of the last pixel and falls on it.
        """
        x, y = self.x / 100 * width, self.y / 100 * height
        if self.box is not None:
            x, y = self.box.corners(height, width).mean(axis=0)
        return Click(
            x=min(max(math.floor(x), 0), width - 1),
            y=min(max(math.floor(y), 0), height - 1),
            label=label,
            positive=self.positive,
        )


@dataclass(frozen=True)
class PromptRequest:
    """An interactive request.

    Attributes:
        prompts: the usable prompts, oldest first, each id once.
        problems: why others were refused.
        to_name: the image tag they are on, None when there is no usable prompt.
        original_size: (height, width) as the browser saw the photograph, None if not said.
        image_rotation: degrees, to be echoed.
        page: of the image tag, where it has several photographs.
    """

    prompts: tuple[Prompt, ...]
    problems: tuple[Problem, ...] = ()
    to_name: str | None = None
    original_size: tuple[int, int] | None = None
    image_rotation: int | float = 0
    page: int = 0

    @property
    def place(self) -> str:
        """Name of the photograph within its task."""
        return (self.to_name or "") + (f"[{self.page}]" if self.page else "")


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
