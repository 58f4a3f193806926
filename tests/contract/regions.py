"""Clicks and masks in the words of the contract tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.demo.proof import decode, keypoint
from ihp_backend.label_studio.api.client import Record

HOPPER = (512, 600)
"""Width and height of grace_hopper.jpg."""

COLLINS = (512, 512)
"""Width and height of eileen_collins.jpg."""

HAIR, FACE, COAT = (46.0, 12.0), (44.0, 23.5), (15.0, 62.0)
"""Where parts are on eileen_collins.jpg, x and y in percent."""


def click(part: tuple[str, float, float], size: tuple[int, int] = HOPPER, positive: bool = True) -> Record:
    """A click on a part, named after it; ``part`` is label, x and y in percent."""
    label, x, y = part
    return keypoint(label, x, y, *size, identifier=f"click-{label}", positive=positive)


def decoded(regions: list[Record]) -> dict[str, NDArray[np.bool_]]:
    """The masks of brush or bitmask regions by label; fails when a label comes twice."""
    found: dict[str, NDArray[np.bool_]] = {}
    for region in regions:
        assert region["type"] in ("brushlabels", "bitmasklabels")
        assert (region["from_name"], region["to_name"]) == ("part", "image")
        [label] = region["value"][region["type"]]
        assert label not in found, f"two regions for {label}"
        found[label] = decode(region)
    return found


def at(mask: NDArray[np.bool_], place: tuple[float, float]) -> bool:
    """The mask's pixel at x and y percent."""
    height, width = mask.shape
    return bool(mask[int(place[1] * height / 100), int(place[0] * width / 100)])


def same_masks(first: dict[str, NDArray[Any]], second: dict[str, NDArray[Any]]) -> bool:
    """Whether both hold the same labels with the same pixels."""
    return first.keys() == second.keys() and all(np.array_equal(first[label], second[label]) for label in first)
