"""The two halves in which a live network serves: tensors in, tensors out, one photograph at a time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.evidence import Clicked, Evidence
from ihp_backend.networks.live.features import LiveFeatures
from ihp_backend.networks.live.network import LiveNetwork
from ihp_backend.networks.live.upsampling import NEIGHBOURS, STRIDE


class Encoding(NamedTuple):
    """What the first half gives; all but ``shares`` goes into the second.

    Attributes:
        embedding: float (1, D, h, w).
        prior: float (1, known labels, h, w), probabilities.
        context_8, context_16, context_32: float (1, C, h/2, w/2), and half and a quarter of it.
        fine: float (1, F, h, w).
        shares: float (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
    """

    embedding: Tensor
    prior: Tensor
    context_8: Tensor
    context_16: Tensor
    context_32: Tensor
    fine: Tensor
    shares: Tensor


class EncoderHalf(nn.Module):
    """``image`` uint8 (1, 3, H, W) to an ``Encoding``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Encoding:
        """Encodes one photograph."""
        embedding, prior, context, fine, mixture = self.network.encode(image)
        # The neighbours last: a softmax along the last axis is several times faster in ONNX Runtime.
        shares = mixture[0].permute(1, 2, 0).unflatten(2, (STRIDE**2, NEIGHBOURS)).softmax(3)
        return Encoding(embedding, prior, *context, fine, shares)


class DecoderHalf(nn.Module):
    """An ``Encoding`` and a question to logits, float (A, h, w); see ``parsing.live_engine.Question``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        embedding: Tensor,
        prior: Tensor,
        context_8: Tensor,
        context_16: Tensor,
        context_32: Tensor,
        fine: Tensor,
        places: Tensor,
        own: Tensor,
        against: Tensor,
        known: Tensor,
        previous: Tensor,
    ) -> Tensor:
        """Decodes all clicks on one photograph."""
        context = (context_8, context_16, context_32)
        features = LiveFeatures(embedding, prior, context, fine, mixture=prior)  # Which decoding does not look at.
        present = torch.ones_like(known[:, 0], dtype=torch.bool)
        evidence = Evidence(Clicked(places[None], own[None], against[None]), known[None], previous[None], present[None])
        return self.network.decode(features, evidence)[0]
