"""The two halves in which a live network serves: tensors in, tensors out, one photograph at a time."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.evidence import Clicked, Evidence
from ihp_backend.networks.live.features import LiveFeatures
from ihp_backend.networks.live.network import LiveNetwork
from ihp_backend.networks.live.upsampling import shares


class Encoding(NamedTuple):
    """What the first half gives; all but ``shares`` goes into the second.

    Attributes:
        embedding: float (1, D, h, w).
        prior: float (1, known labels, h, w), probabilities.
        context_4, context_8, context_16: float (1, C, h, w) and its half and quarter.
        shares: float (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
    """

    embedding: Tensor
    prior: Tensor
    context_4: Tensor
    context_8: Tensor
    context_16: Tensor
    shares: Tensor


class EncoderHalf(nn.Module):
    """``image`` uint8 (1, 3, H, W) to an ``Encoding``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Encoding:
        """Encodes one photograph."""
        features = self.network.encode(image)
        mixed = shares(features.mixture)[0].flatten(1, 2)
        return Encoding(features.embedding, features.prior.softmax(1), *features.context, mixed.permute(2, 3, 1, 0))


class DecoderHalf(nn.Module):
    """An ``Encoding`` and a question to logits, float (A, h, w); see ``parsing.live_engine.Question``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        embedding: Tensor,
        prior: Tensor,
        context_4: Tensor,
        context_8: Tensor,
        context_16: Tensor,
        places: Tensor,
        own: Tensor,
        against: Tensor,
        known: Tensor,
        previous: Tensor,
    ) -> Tensor:
        """Decodes all clicks on one photograph."""
        # The logarithm of probabilities is as good as the logits that they were made from.
        features = LiveFeatures(embedding, prior.clamp(min=1e-12).log(), (context_4, context_8, context_16), prior)
        present = torch.ones_like(known[:, 0], dtype=torch.bool)
        evidence = Evidence(Clicked(places[None], own[None], against[None]), known[None], previous[None], present[None])
        return self.network.decode(features, evidence)[0]
