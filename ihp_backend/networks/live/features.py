"""What the live network knows of a photograph before any click: features at strides 4, 8 and 16."""

from __future__ import annotations

from typing import NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pixel_unshuffle

from ihp_backend.networks.live.blocks import Separable, convolution, enlarged
from ihp_backend.networks.live.upsampling import NEIGHBOURS, STRIDE

CONTEXT_STRIDES = (4, 8, 16)


class LiveFeatures(NamedTuple):
    """A photograph, encoded.

    Attributes:
        embedding: float (N, D, H/4, W/4), unit length: pixels of one part lie near one another.
        prior: float (N, known labels, H/4, W/4), logits of the labels that the network was trained on.
        context: float (N, C, H/s, W/s) for s = 4, 8, 16, what the decoder adds to its own features.
        mixture: float (N, 9 x 16, H/4, W/4), logits of the shares with which neighbouring cells make each pixel.
    """

    embedding: Tensor
    prior: Tensor
    context: tuple[Tensor, Tensor, Tensor]
    mixture: Tensor


class FeatureNetwork(nn.Module):
    """A pretrained encoder, its stages joined from coarse to fine, and a head for each of ``LiveFeatures``.

    Args:
        known_labels: labels the network learns by name, the background's included.
        encoder, encoder_weights, mean, deviation: see ``WidenedDeepLab``.
        width: channels of the joined stages.
        embedding: channels of the embedding.
        contexts: channels of the context at each of its strides.
    """

    def __init__(
        self,
        known_labels: int,
        encoder: str,
        encoder_weights: str | None,
        mean: tuple[float, float, float],
        deviation: tuple[float, float, float],
        width: int,
        embedding: int,
        contexts: tuple[int, int, int],
    ) -> None:
        super().__init__()
        self.encoder = smp.encoders.get_encoder(encoder, weights=encoder_weights)
        channels = self.encoder.out_channels
        self.register_buffer("image_mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("image_deviation", torch.tensor(deviation).view(1, 3, 1, 1) * 255, persistent=False)
        self.image_mean: Tensor
        self.image_deviation: Tensor
        self.surroundings = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], width, 1), nn.ReLU())
        # Stages at strides 32, 16, 8 and 4.
        self.laterals = nn.ModuleList(convolution(count, width) for count in channels[:1:-1])
        self.joins = nn.ModuleList(Separable(width, 5) for _ in self.laterals)
        self.refine = Separable(width, 5)
        self.embed = nn.Conv2d(width, embedding, 1)
        self.classify = nn.Conv2d(width, known_labels, 1)
        self.contexts = nn.ModuleList(nn.Conv2d(width, count, 1) for count in contexts)
        fine = channels[1] * 4 + 3 * STRIDE**2
        self.outline = nn.Sequential(
            convolution(width + fine, 64), convolution(64, 64, 3, groups=64), nn.Conv2d(64, NEIGHBOURS * STRIDE**2, 1)
        )

    def forward(self, image: Tensor) -> LiveFeatures:
        """Encodes photographs, uint8 or float (N, 3, H, W), RGB in 0..255."""
        photograph = (image.to(self.image_mean.dtype) - self.image_mean) / self.image_deviation
        stages = self.encoder(photograph)
        joined = []
        coarse = self.surroundings(stages[-1])
        for stage, lateral, join in zip(stages[:1:-1], self.laterals, self.joins, strict=True):
            side = lateral(stage)
            coarse = join(side + enlarged(coarse, side))
            joined.append(coarse)
        finest = self.refine(joined.pop())
        steps = (finest, *joined[:0:-1])
        details = torch.cat([finest, pixel_unshuffle(stages[1], 2), pixel_unshuffle(photograph, STRIDE)], 1)
        one, two, three = (head(step) for head, step in zip(self.contexts, steps, strict=True))
        return LiveFeatures(
            normalize(self.embed(finest), dim=1), self.classify(finest), (one, two, three), self.outline(details)
        )
