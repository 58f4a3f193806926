"""CE2P: context embedding with edge perceiving (Ruan et al., AAAI 2019), the parser that RPR refines."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ihp_backend.networks.automatic.automatic_parser import EncoderParser, ParserOutputs, activated
from ihp_backend.networks.automatic.context_embedding import (
    WIDTH,
    ContextEmbedding,
    HighResolutionEmbedding,
    resized,
)
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN


class ContextEdgeParser(EncoderParser):
    """CE2P: a parsing from context and fine outlines, edges between parts, and the parsing that is made from both.

    With the default arguments and 20 labels it has 66.609 million weights in convolutions, as RPR counts.

    Args:
        num_labels, encoder, encoder_weights, mean, deviation: see ``EncoderParser``. The default encoder is CE2P's, a
            ResNet-101 that begins with three 3 x 3 convolutions.
        width: channels of the decoder; the context embedding has twice as many.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "tu-resnet101s",
        encoder_weights: str | None = None,
        width: int = WIDTH,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__(num_labels, encoder, encoder_weights, 16, mean, deviation)
        _, _, low, middle, high, last = self.stage_channels
        self.context = ContextEmbedding(last, 2 * width)
        self.embedding = HighResolutionEmbedding(2 * width, low, width)
        self.first = nn.Conv2d(width, num_labels, 1)
        self.edge_features = nn.ModuleList(activated(channels, width) for channels in (low, middle, high))
        self.edge = nn.Conv2d(width, 2, 3, padding=1)
        self.edges = nn.Conv2d(3 * 2, 2, 1)
        self.fused = nn.Sequential(activated(4 * width, width), nn.Dropout2d(0.1), nn.Conv2d(width, num_labels, 1))

    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """The parsing, the one before the edges joined, and the edges, all at stride 4."""
        low, last = stages[2], stages[-1]
        high_resolution = self.embedding(self.context(last), low)
        features = [layer(stage) for layer, stage in zip(self.edge_features, stages[2:5], strict=True)]
        edges = self.edges(torch.cat([resized(self.edge(one), low) for one in features], 1))
        embedding = torch.cat([high_resolution, *(resized(one, low) for one in features)], 1)
        return ParserOutputs(self.fused(embedding), embedding, (self.first(high_resolution),), edges)
