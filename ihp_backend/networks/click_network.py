"""ClickNetwork: interface of networks with one output per label, for training, evaluation, export and serving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Decoded(NamedTuple):
    """Output of ``decode``.

    Attributes:
        logits: float (N, num_labels, h, w) at the network's output stride; up-sampling is the caller's business,
            who knows the final size and may need it only in places.
        embedding: float (N, channels, h, w), the decoder features the logits were made from (the SP-loss acts here).
    """

    logits: Tensor
    embedding: Tensor


class ClickNetwork(nn.Module, ABC):
    """A network that turns a photograph and clicks into a parsing.

    What is relied on, and tried by ``learning.network_check`` before a training:

    - ``encode`` and ``decode`` take any batch and any size in multiples of ``multiple_of``;
    - the logits have the same stride in both directions, and all values are finite;
    - weights that learn have part in the logits, and ``state_dict`` can be loaded again;
    - ``forward`` can be exported, so that ONNX Runtime answers as torch does.

    Attributes:
        num_labels: number of labels, the background's included.
        multiple_of: image height and width must be multiples of this; ``parsing`` pads.
    """

    num_labels: int
    multiple_of: int

    @abstractmethod
    def encode(self, image: Tensor) -> Any:
        """Features of a photograph: everything that does not depend on clicks.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255.
        """

    @abstractmethod
    def decode(self, features: Any, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """The parsing for these clicks.

        Args:
            features: what ``encode`` gave.
            click_maps: uint8 (N, num_labels, H, W), localization maps (IHP, Eq. 1); a click's own pixel holds 0.
            previous: float (N, num_labels, h, w), probabilities of the parsing so far, for networks that use it.
        """

    def forward(self, image: Tensor, click_maps: Tensor) -> Tensor:
        """Logits (N, num_labels, h, w) straight from image and localization maps: the form that is exported."""
        return self.decode(self.encode(image), click_maps).logits


def no_clicks(image: Tensor, num_labels: int) -> Tensor:
    """Localization maps without any click for a batch of images: uint8 (N, num_labels, H, W), all 255."""
    size = (image.shape[0], num_labels, *image.shape[-2:])
    return torch.full(size, 255, dtype=torch.uint8, device=image.device)
