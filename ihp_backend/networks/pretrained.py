"""Pretrained encoders: the normalisation that they were trained with, and weights from a hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class Normalisation(nn.Module):
    """The photograph as an encoder wants it: uint8 or float (N, 3, H, W) in 0..255 to float of the same shape.

    Args:
        mean, deviation: of each channel in the encoder's training, for RGB in 0..1.
    """

    def __init__(self, mean: tuple[float, float, float], deviation: tuple[float, float, float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1) * 255, persistent=False)
        self.mean: Tensor
        self.deviation: Tensor

    def forward(self, image: Tensor) -> Tensor:
        """Normalises photographs."""
        return (image.to(self.mean.dtype) - self.mean) / self.deviation


@contextmanager
def fetching(encoder: str, encoder_weights: str | None) -> Iterator[None]:
    """Says what to do instead where weights cannot be fetched.

    Raises:
        ValueError: they cannot.
    """
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"encoder_weights: {encoder_weights!r} of {encoder} cannot be fetched from the hub "
            f"({type(error).__name__}); without a network set the network's encoder_weights to null and give a "
            "file with --model.encoder_weights FILE"
        ) from error
