"""Prompts: what annotators point at.

Label Studio measures in percent of the image; a prompt stays in percent until the photograph's size is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ihp_backend.clicks import Click
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.problems import Problem

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
