"""Click enforcement: a click that the network does not follow by itself is settled on its logits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click

YIELD = 0.5
"""By how much the clicked label wins at its click where the network preferred another."""


def enforce_clicks(logits: NDArray[np.float32], clicks: Iterable[Click], stride: int) -> NDArray[np.float32]:
    """Logits in which each click is followed, falling off with Eq. 1's squared distance around it.

    A positive click whose label loses at its place gets what it lacks and a little more; a negative click whose
    label wins loses it there. Clicks that the network follows change nothing. Of contradicting clicks at one place
    the later one counts.

    Args:
        logits: float32 (num_labels, h, w).
        clicks: in working pixels, oldest first.
        stride: working pixels per logit pixel.
    """
    logits = logits.copy()
    height, width = logits.shape[1:]
    for click in clicks:
        # The coarse pixels between which the clicked pixel will be interpolated; all of them must follow.
        rows, columns = _around(click.y, stride, height), _around(click.x, stride, width)
        here = logits[:, rows[:, None], columns]
        margin = here[click.label] - np.delete(here, click.label, axis=0).max(0)
        lack = -margin.min() if click.positive else margin.max()
        if lack < 0:
            continue
        away_down = (np.arange(height) * stride + stride // 2 - click.y)[:, None]
        away_across = np.arange(width) * stride + stride // 2 - click.x
        nearness = 1 - np.minimum(away_down**2 + away_across**2, 255).astype(np.float32) / 255
        nearness[rows[:, None], columns] = 1
        logits[click.label] += (lack + YIELD if click.positive else -lack - YIELD) * nearness
    return logits


def _around(place: int, stride: int, length: int) -> NDArray[np.intp]:
    """The one or two coarse positions whose mixture makes the fine position ``place``."""
    position = (place + 0.5) / stride - 0.5
    return np.unique(np.clip([np.floor(position), np.ceil(position)], 0, length - 1)).astype(np.intp)


def settle(label_map: NDArray[np.uint8], clicks: Sequence[Click], scale: float) -> None:
    """Gives every positive click its label, in place, where working at another size or neighbours' clicks took it.

    Args:
        label_map: uint8 (height, width).
        clicks: in its pixels, oldest first.
        scale: working pixels per pixel; what is set is as large as one of them.
    """
    reach = int(0.5 / scale)
    for click in clicks:
        if click.positive and label_map[click.y, click.x] != click.label:
            top, left = max(click.y - reach, 0), max(click.x - reach, 0)
            label_map[top : click.y + reach + 1, left : click.x + reach + 1] = click.label
    for click in clicks:
        if click.positive:
            label_map[click.y, click.x] = click.label
