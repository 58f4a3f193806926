"""Blocks that the live network is made of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate


def convolution(inputs: int, outputs: int, size: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution that keeps height and width, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, added to what came in.

    Args:
        channels: in and out.
        size: of the depthwise convolution.
    """

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.depthwise = convolution(channels, channels, size, groups=channels)
        self.pointwise = convolution(channels, channels)

    def forward(self, values: Tensor) -> Tensor:
        """float (N, channels, h, w) to the same."""
        added: Tensor = values + self.pointwise(self.depthwise(values))
        return added


def enlarged(values: Tensor, like: Tensor) -> Tensor:
    """``values`` repeated to the height and width of ``like``."""
    return interpolate(values, size=like.shape[-2:], mode="nearest")


def doubled(values: Tensor) -> Tensor:
    """``values`` repeated to twice the height and width; a constant factor is what ONNX Runtime can fuse around."""
    return interpolate(values, scale_factor=2.0, mode="nearest")
