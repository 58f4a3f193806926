"""Convex combination: from cells of 4 x 4 pixels to pixels, each mixed from the cells around it (RAFT, 2020).

The shares depend on the photograph alone, so that outlines are found once, when it is encoded, and not at every click.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import pad, pixel_shuffle

STRIDE = 4
"""Pixels per cell along each axis."""

NEIGHBOURS = 9
"""Cells that a pixel is mixed from: its own and the eight around it, row by row."""


def shares(mixture: Tensor) -> Tensor:
    """The shares of the neighbours in each pixel of the first photograph's cells, float (h, w, 16, 9).

    Args:
        mixture: float (N, 16 x 9, h, w), see ``upsampled``.
    """
    # The neighbours last: a softmax along the last axis is several times faster in ONNX Runtime.
    return mixture[0].permute(1, 2, 0).unflatten(2, (STRIDE**2, NEIGHBOURS)).softmax(3)


def upsampled(logits: Tensor, mixture: Tensor, step: int = 1, phase: tuple[int, int] = (0, 0)) -> Tensor:
    """Logits of all pixels, or of every ``step``-th in both directions.

    Args:
        logits: float (N, L, h, w), of cells; beyond the border the outermost cells continue.
        mixture: float (N, 16 x 9, h, w), logits of the shares of the neighbours in each pixel.
        step: 1, 2 or 4.
        phase: y and x of the first pixel, below ``step``.

    Returns:
        float (N, L, 4 h / step, 4 w / step).
    """
    height, width = logits.shape[2:]
    around = pad(logits, (1, 1, 1, 1), mode="replicate")
    wanted = mixture.unflatten(1, (STRIDE, STRIDE, NEIGHBOURS))[:, phase[0] :: step, phase[1] :: step]
    weights = wanted.flatten(1, 2).softmax(2)
    mixed = logits.new_zeros(*logits.shape[:2], weights.shape[1], height, width)
    for neighbour in range(NEIGHBOURS):
        top, left = divmod(neighbour, 3)
        cells = around[:, :, top : top + height, left : left + width]
        mixed = mixed + cells[:, :, None] * weights[:, None, :, neighbour]
    return pixel_shuffle(mixed.flatten(1, 2), STRIDE // step)
