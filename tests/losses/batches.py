"""Small random batches of parts and clicks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ihp_backend.clicks import Click, localization_maps


def random_batch(
    seed: int, images: int = 2, num_labels: int = 4, size: tuple[int, int] = (12, 8), clicks: int = 12
) -> tuple[Tensor, Tensor]:
    """Parsing int64 (images, H, W), made of 3 x 2 blocks and some ignored pixels, and its localization maps.

    Two thirds of the clicks have the label of their pixel, the others any.
    """
    rng = np.random.default_rng(seed)
    height, width = size
    blocks = rng.integers(0, num_labels, (images, -(-height // 3), -(-width // 2)))
    parsing = blocks.repeat(3, axis=1).repeat(2, axis=2)[:, :height, :width].astype(np.uint8)
    parsing[rng.random(parsing.shape) < 0.1] = 255
    maps = [localization_maps(_clicks(rng, one, clicks, num_labels), *size, num_labels) for one in parsing]
    return torch.from_numpy(parsing).long(), torch.from_numpy(np.stack(maps))


def _clicks(rng: np.random.Generator, parsing: np.ndarray, count: int, num_labels: int) -> Iterator[Click]:
    for position in range(count):
        y, x = (int(rng.integers(side)) for side in parsing.shape)
        label = int(parsing[y, x])
        if position % 3 == 0 or label == 255:
            label = int(rng.integers(num_labels))
        yield Click(x, y, label)


def random_logits(seed: int, parsing: Tensor, num_labels: int) -> Tensor:
    """Logits float64 (N, num_labels, H, W) that want a gradient."""
    generator = torch.Generator().manual_seed(seed)
    shape = (len(parsing), num_labels, *parsing.shape[1:])
    return (2 * torch.randn(shape, dtype=torch.float64, generator=generator)).requires_grad_()


def counted_pixels(parsing: Tensor) -> list[tuple[int, int]]:
    """(y, x) of the pixels of one parsing (H, W) that are not ignored."""
    height, width = parsing.shape
    return [(y, x) for y in range(height) for x in range(width) if int(parsing[y, x]) != 255]


def pixel_loss(logits: Tensor, y: int, x: int, label: int) -> float:
    """Cross-entropy of one pixel of logits (num_labels, H, W), from the definition."""
    values = logits[:, y, x].detach().numpy()
    return float(np.log(np.exp(values).sum()) - values[label])
