"""Clicks have the last word: what a network does not follow by itself is settled on its logits."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click

YIELD = 0.5
"""By how much the clicked label wins at its click where the network preferred another."""


def obey(logits: NDArray[np.float32], clicks: Iterable[Click], stride: int) -> NDArray[np.float32]:
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
        row, column = min(click.y // stride, height - 1), min(click.x // stride, width - 1)
        here = logits[:, row, column]
        others = np.delete(here, click.label).max()
        lack = others - here[click.label] if click.positive else here[click.label] - others
        if lack < 0:
            continue
        change = lack + YIELD if click.positive else -(lack + YIELD)
        rows = (np.arange(height) * stride + stride // 2 - click.y)[:, None]
        columns = np.arange(width) * stride + stride // 2 - click.x
        nearness = 1 - np.minimum(rows**2 + columns**2, 255).astype(np.float32) / 255
        # The logit pixel that holds the click may have its centre some pixels off; it must follow in full.
        nearness[row, column] = 1
        logits[click.label] += change * nearness
    return logits
