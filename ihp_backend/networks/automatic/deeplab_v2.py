"""DeepLab V2 (Chen et al., TPAMI 2018): parallel dilated classifiers whose logits are added; a baseline of SSL."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ihp_backend.networks.automatic.automatic_parser import EncoderParser, ParserOutputs
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN


class DeepLabV2(EncoderParser):
    """DeepLab V2 with any encoder; its fields of view are the classifiers' dilations.

    Args:
        num_labels, encoder, encoder_weights, output_stride, mean, deviation: see ``EncoderParser``.
        dilations: one classifier each, (6, 12, 18, 24) in the paper, (12,) for LargeFOV.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "resnet101",
        encoder_weights: str | None = None,
        output_stride: int = 8,
        dilations: tuple[int, ...] = (6, 12, 18, 24),
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__(num_labels, encoder, encoder_weights, output_stride, mean, deviation)
        self.classifiers = nn.ModuleList(
            nn.Conv2d(self.stage_channels[-1], num_labels, 3, padding=dilation, dilation=dilation)
            for dilation in dilations
        )

    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """The parsing at the encoder's output stride; the embedding is its last stage."""
        logits = torch.stack([classifier(stages[-1]) for classifier in self.classifiers]).sum(0)
        return ParserOutputs(logits, stages[-1])
