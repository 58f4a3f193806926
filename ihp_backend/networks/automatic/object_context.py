"""Object-contextual representations (OCR, Yuan et al., ECCV 2020); with HRNet's stages it is HRNet-OCR."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ihp_backend.networks.automatic.automatic_parser import EncoderParser, ParserOutputs
from ihp_backend.networks.automatic.context_embedding import resized
from ihp_backend.networks.live.blocks import convolution
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN

BRANCHES = {"feature_location": ""}
"""timm's argument for HRNet's four branches as they are, without the layers that classify photographs."""


class ObjectContextParser(EncoderParser):
    """All stages from stride 4 on joined, and each cell described by the labels' mean features, too.

    A first parsing gives each label a mean feature. Every cell gathers those that are like it, and is parsed again.

    Args:
        num_labels, encoder, encoder_weights, mean, deviation: see ``EncoderParser``.
        width: channels of the joined features; keys and queries have half as many.
        output_stride: of the encoder's last stage; HRNet has 32.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "tu-hrnet_w48",
        encoder_weights: str | None = None,
        width: int = 512,
        output_stride: int = 32,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        options = BRANCHES if encoder.startswith("tu-hrnet") else {}
        super().__init__(num_labels, encoder, encoder_weights, output_stride, mean, deviation, options)
        joined, keys = sum(self.stage_channels[2:]), width // 2
        self.first = nn.Sequential(convolution(joined, joined), nn.Conv2d(joined, num_labels, 1))
        self.features = convolution(joined, width, 3)
        self.query = nn.Sequential(convolution(width, keys), convolution(keys, keys))
        self.key = nn.Sequential(convolution(width, keys), convolution(keys, keys))
        self.value = convolution(width, keys)
        self.context = convolution(keys, width)
        self.fused = nn.Sequential(convolution(2 * width, width), nn.Dropout2d(0.05))
        self.classify = nn.Conv2d(width, num_labels, 1)

    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """The parsing and the first one, both at stride 4."""
        joined = torch.cat([resized(stage, stages[2]) for stage in stages[2:]], 1)
        first, features = self.first(joined), self.features(joined)
        shares = first.flatten(2).softmax(2)
        of_labels = torch.matmul(features.flatten(2), shares.transpose(1, 2))[..., None]
        keys, values = self.key(of_labels)[..., 0], self.value(of_labels)[..., 0]
        queries = self.query(features)
        alike = torch.matmul(queries.flatten(2).transpose(1, 2), keys) / keys.shape[1] ** 0.5
        gathered = torch.matmul(values, alike.softmax(2).transpose(1, 2))
        context = self.context(gathered.view_as(queries))
        embedding = self.fused(torch.cat([context, features], 1))
        return ParserOutputs(self.classify(embedding), embedding, (first,))
