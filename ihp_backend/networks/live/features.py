"""Features of a photograph at strides 4, 8 and 16, made before any click."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, normalize

from ihp_backend.networks.live.blocks import Separable, convolution, enlarged
from ihp_backend.networks.live.colours import colours
from ihp_backend.networks.live.convex_combination import NEIGHBOURS, STRIDE
from ihp_backend.networks.live.prior_context import PriorContext
from ihp_backend.networks.pretrained import Normalisation, fetching

OUTLINE = 64
"""Channels from which outlines are read."""


class Sight(NamedTuple):
    """Features of a photograph at one stride.

    Attributes:
        embedding: float (N, D, h, w), unit length: pixels of one part lie near one another.
        prior: float (N, known labels, h, w), probabilities of the labels that the network was trained on.
        colours: float (N, 3, h, w), see ``colours``.
    """

    embedding: Tensor
    prior: Tensor
    colours: Tensor

    @property
    def look(self) -> Tensor:
        """The look of each cell, by which cells are alike: embedding and colours, float (N, D + 3, h, w)."""
        return torch.cat([self.embedding, self.colours], 1)


class LiveFeatures(NamedTuple):
    """A photograph, encoded.

    Attributes:
        fine, coarse: at strides 4 and 8.
        context: float (N, C, H/s, W/s) for s = 4, 8, 16, what the decoder adds to its own features.
        mixture: float (N, 16 x 9, H/4, W/4), logits of the shares with which neighbouring cells make each pixel.
    """

    fine: Sight
    coarse: Sight
    context: tuple[Tensor, Tensor, Tensor]
    mixture: Tensor


class BackboneFeatures(NamedTuple):
    """Input of the heads; it costs nearly all of an encoding.

    Attributes:
        joined: float (N, width, H/s, W/s) for s = 4, 8, 16.
        mixture: see ``LiveFeatures``.
        colours: see ``Sight``, at stride 4.
        prior_context: see ``PriorContext``; None in a network without.
    """

    joined: tuple[Tensor, Tensor, Tensor]
    mixture: Tensor
    colours: Tensor
    prior_context: Tensor | None = None

    @property
    def prior_input(self) -> Tensor:
        """What the prior is read from, float (N, channels, H/4, W/4)."""
        finest, *_ = self.joined
        return finest if self.prior_context is None else torch.cat([finest, self.prior_context], 1)

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The tensors, at the first of ``STRIDES``."""
        parts = (*self.joined, self.mixture, self.colours)
        return parts if self.prior_context is None else (*parts, self.prior_context)

    @classmethod
    def of(cls, parts: Iterable[Tensor]) -> BackboneFeatures:
        """The features that have these ``parts``."""
        one, two, three, *others = parts
        return cls((one, two, three), *others)


STRIDES = (4, 8, 16, STRIDE, STRIDE, STRIDE)
"""Pixels per cell of the parts of a ``BackboneFeatures``."""


class FeatureNetwork(nn.Module):
    """A pretrained encoder, its stages joined from coarse to fine, and a head for each of ``LiveFeatures``.

    Args:
        known_labels: labels the network learns by name, the background's included.
        encoder, encoder_weights, mean, deviation: see ``WidenedDeepLab``.
        width: channels of the joined stages.
        embedding: channels of the embedding.
        contexts: channels of the context at strides 4, 8 and 16.
        prior_context: whether the prior sees ``PriorContext``.
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
        prior_context: bool = False,
    ) -> None:
        super().__init__()
        with fetching(encoder, encoder_weights):
            self.encoder = smp.encoders.get_encoder(encoder, weights=encoder_weights)
        channels = self.encoder.out_channels
        self.normalise = Normalisation(mean, deviation)
        self.surroundings = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels[-1], width, 1), nn.ReLU())
        # Stages at strides 32, 16, 8 and 4.
        self.laterals = nn.ModuleList(convolution(count, width) for count in channels[:1:-1])
        self.joins = nn.ModuleList(Separable(width, 5) for _ in self.laterals)
        self.refine = Separable(width, 5)
        self.embed = nn.Conv2d(width, embedding, 1)
        self.prior_context = PriorContext(width) if prior_context else None
        self.classify = nn.Conv2d(width * (2 if prior_context else 1), known_labels, 1)
        self.contexts = nn.ModuleList(nn.Conv2d(width, count, 1) for count in contexts)
        # The finest features and, brought to their stride by convolutions that overlap nothing, the pixels themselves.
        self.outline_features = nn.Conv2d(width, OUTLINE, 1, bias=False)
        self.outline_half = nn.Conv2d(channels[1], OUTLINE, STRIDE // 2, stride=STRIDE // 2, bias=False)
        self.outline_pixels = nn.Conv2d(3, OUTLINE, STRIDE, stride=STRIDE, bias=False)
        self.outline = nn.Sequential(
            nn.BatchNorm2d(OUTLINE),
            nn.ReLU(),
            convolution(OUTLINE, OUTLINE, 3, groups=OUTLINE),
            nn.Conv2d(OUTLINE, STRIDE**2 * NEIGHBOURS, 1),
        )

    def forward(self, image: Tensor) -> LiveFeatures:
        """Encodes photographs, uint8 or float (N, 3, H, W), RGB in 0..255."""
        return self.heads(self.backbone(image))

    def backbone(self, image: Tensor) -> BackboneFeatures:
        """The first part of an encoding."""
        photograph = self.normalise(image)
        stages = self.encoder(photograph)
        joined = []
        coarse = self.surroundings(stages[-1])
        for stage, lateral, join in zip(stages[:1:-1], self.laterals, self.joins, strict=True):
            # The size is the stage's, not taken from its lateral: else ONNX Runtime cannot fold the batch norm there.
            coarse = join(lateral(stage) + enlarged(coarse, stage))
            joined.append(coarse)
        finest = self.refine(joined.pop())
        outline = self.outline_features(finest) + self.outline_half(stages[1]) + self.outline_pixels(photograph)
        sixteen, eight = joined[1:]
        strides = (finest, eight, sixteen)
        context = self.prior_context(strides) if self.prior_context else None
        return BackboneFeatures(strides, self.outline(outline), colours(image.to(photograph.dtype) / 255), context)

    def prior(self, backbone: BackboneFeatures) -> Tensor:
        """The prior alone, see ``Sight``."""
        return self.prior_logits(backbone).softmax(1)

    def prior_logits(self, backbone: BackboneFeatures) -> Tensor:
        """The logits of the prior, float (N, known labels, H/4, W/4)."""
        logits: Tensor = self.classify(backbone.prior_input)
        return logits

    def heads(self, backbone: BackboneFeatures) -> LiveFeatures:
        """The rest of it."""
        finest, *_ = backbone.joined
        one, two, three = (head(step) for head, step in zip(self.contexts, backbone.joined, strict=True))
        fine = Sight(normalize(self.embed(finest), dim=1), self.prior(backbone), backbone.colours)
        prior, its_colours = (avg_pool2d(values, 2) for values in (fine.prior, fine.colours))
        coarse = Sight(normalize(avg_pool2d(fine.embedding, 2), dim=1), prior, its_colours)
        return LiveFeatures(fine, coarse, (one, two, three), backbone.mixture)
