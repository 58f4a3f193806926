"""Boxes as limits: a label drawn with boxes does not reach beyond them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.labels import LabelSet


def keep_inside_boxes(label_map: NDArray[np.uint8], prompts: Mapping[str, Sequence[Prompt]], labels: LabelSet) -> None:
    """Cut labels with boxes to them, in place; a positive click outside says that its label goes further.

    Args:
        label_map: uint8 (height, width) in ids of ``labels``; what is cut off turns into background.
        prompts: label -> what stands for it; labels that are not in ``labels`` are passed over.
        labels: the labelling config's labels.
    """
    for name, standing in prompts.items():
        boxes = [prompt.box for prompt in standing if prompt.box is not None and prompt.positive]
        if not boxes or name not in labels.names:
            continue
        inside = np.zeros_like(label_map)
        for box in boxes:
            inside |= box.mask(*label_map.shape)
        if all(_is_inside(prompt, inside) for prompt in standing if prompt.box is None and prompt.positive):
            label_map[(label_map == labels.id_of(name)) & (inside == 0)] = 0


def _is_inside(prompt: Prompt, inside: NDArray[np.uint8]) -> bool:
    click = prompt.to_click(0, *inside.shape)
    return bool(inside[click.y, click.x])
