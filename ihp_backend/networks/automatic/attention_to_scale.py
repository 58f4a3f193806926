"""Attention to scale (Chen et al., CVPR 2016): one parser at several scales, weighed at each place; SSL's baseline."""

from __future__ import annotations

import math
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.networks.automatic.automatic_parser import AutomaticParser, ParserOutputs
from ihp_backend.networks.automatic.context_embedding import resized
from ihp_backend.networks.automatic.deeplab_v2 import DeepLabV2
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN


class AttentionToScale(AutomaticParser):
    """DeepLab V2 at the scales 1, 0.75 and 0.5, and a small network that says which of them to believe where.

    The paper's DeepLab has a VGG-16; here it has any encoder. All scales learn the parsing besides their mixture.

    Args:
        num_labels, encoder, encoder_weights, output_stride, dilations, mean, deviation: see ``DeepLabV2``.
        scales: the first is 1; all are fractions of small numbers.
        width: channels of the network that weighs.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "resnet101",
        encoder_weights: str | None = None,
        output_stride: int = 8,
        dilations: tuple[int, ...] = (12,),
        scales: tuple[float, ...] = (1.0, 0.75, 0.5),
        width: int = 512,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.network = DeepLabV2(num_labels, encoder, encoder_weights, output_stride, dilations, mean, deviation)
        self.num_labels = num_labels
        self.scales = tuple(Fraction(scale).limit_denominator(8) for scale in scales)
        # A photograph has whole cells at every scale.
        self.multiple_of = self.network.multiple_of * math.lcm(*(scale.denominator for scale in self.scales))
        self.attention = nn.Sequential(
            nn.Conv2d(self.network.stage_channels[-1] * len(scales), width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Dropout2d(0.5),
            nn.Conv2d(width, len(scales), 1),
        )

    def outputs(self, image: Tensor) -> ParserOutputs:
        """The mixture at the output stride of scale 1, and the parsings of the scales besides."""
        of_scales = [self.network.outputs(_scaled(image.float(), scale)) for scale in self.scales]
        like = of_scales[0].logits
        embedding = torch.cat([resized(one.embedding, like) for one in of_scales], 1)
        weights = self.attention(embedding).softmax(1)
        logits = torch.stack([resized(one.logits, like) for one in of_scales], 1)
        mixture = (logits * weights[:, :, None]).sum(1)
        return ParserOutputs(mixture, embedding, tuple(one.logits for one in of_scales))


def _scaled(image: Tensor, scale: Fraction) -> Tensor:
    if scale == 1:
        return image
    size = [side * scale.numerator // scale.denominator for side in image.shape[-2:]]
    return interpolate(image, size=size, mode="bilinear", align_corners=False)
