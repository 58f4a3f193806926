"""What a cell is likely to be also depends on what is far from it: a skirt is one because no legs part below it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.networks.live.blocks import Separable, convolution

DILATIONS = (1, 3, 6, 12)
"""Of the convolutions at stride 16; the widest sees 400 pixels."""


class PriorContext(nn.Module):
    """Features for the prior: those at stride 16 looked at near and far, side by side (Chen et al. 2017), then refined.

    Args:
        width: channels, in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_dilated(width, dilation) for dilation in DILATIONS)
        self.surroundings = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, width, 1), nn.ReLU())
        self.mix = convolution((len(DILATIONS) + 1) * width, width)
        self.eight, self.four = Separable(width, 5), Separable(width, 5)

    def forward(self, joined: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """float (N, width, H/4, W/4), from features of that width at strides 4, 8 and 16."""
        four, eight, sixteen = joined
        seen = [branch(sixteen) for branch in self.branches]
        found = self.mix(torch.cat([*seen, self.surroundings(sixteen).expand_as(sixteen)], 1))
        found = self.eight(eight + _resized(found, eight))
        refined: Tensor = self.four(four + _resized(found, four))
        return refined


def _dilated(width: int, dilation: int) -> nn.Sequential:
    """A separable convolution over 3 x 3 cells that lie ``dilation`` apart."""
    depthwise = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation, groups=width, bias=False)
    return nn.Sequential(depthwise, nn.BatchNorm2d(width), *convolution(width, width))


def _resized(values: Tensor, like: Tensor) -> Tensor:
    return interpolate(values, size=like.shape[-2:], mode="bilinear", align_corners=False)
