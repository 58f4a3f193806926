"""Assumption checks: what all masks of a data set together say about what was assumed of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import LabelSet

_ENOUGH = 20
_MOST = 0.6


def lies_right_of(parsing: NDArray[np.uint8], labels: LabelSet) -> NDArray[np.int64]:
    """Side of the left part in each flip pair: 1 right of the right part, -1 left of it, 0 if one is missing.

    Args:
        parsing: uint8 (height, width).
        labels: the data set's.

    Returns:
        int64 (flip pairs,).
    """
    if not labels.flip_pairs:
        return np.zeros(0, np.int64)
    flat = parsing.ravel()
    columns = np.tile(np.arange(parsing.shape[1], dtype=float), parsing.shape[0])
    pixels = np.bincount(flat, minlength=256)
    mean = np.bincount(flat, columns, minlength=256) / np.maximum(pixels, 1)
    left, right = np.array(labels.flip_pairs).T
    return np.where((pixels[left] > 0) & (pixels[right] > 0), np.sign(mean[left] - mean[right]), 0).astype(np.int64)


def weighed(
    assumptions: Mapping[str, str], labels: LabelSet, pixels: NDArray[np.int64], person: int, viewer: int
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Assumptions with what speaks for and against them, and what contradicts them (option, what is seen, remedy).

    Args:
        assumptions: of the data set, by option; what an option said is not among them.
        labels: the data set's.
        pixels: int64 (num_labels,), pixels of each label in all readable masks.
        person, viewer: how often a left part lies to the right and to the left of its right one.
    """
    told, against = dict(assumptions), []
    if "first_id" in told and pixels.any() and not pixels[0]:
        seen = "no pixel of any mask has id 0, the background"
        against.append(("first_id", seen, "say first_id=1 if ids count from 1, first_id=0 if there is no background"))
    both = person + viewer
    if "sides" in told and both:
        names = " or ".join(repr(labels.names[left]) for left, _ in labels.flip_pairs)
        seen = f"{names} lies to the left of its right one {viewer} times of {both}, as seen by the viewer"
        told["sides"] += f"; {seen}, and most people face the camera"
        if both >= _ENOUGH and viewer > _MOST * both:
            remedy = "say sides=viewer if left is the viewer's left, sides=person if people are seen from behind"
            against.append(("sides", seen, remedy))
    highest = int(np.flatnonzero(pixels).max()) if pixels.any() else 0
    if "layout" in told and pixels.any() and 2 * highest < len(labels):
        told["layout"] += f"; no mask has an id above {highest}, of {len(labels) - 1}: is it this data set?"
    return told, against
