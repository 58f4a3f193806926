"""Context embedding and high-resolution embedding, the two modules that CE2P and RPR's region parsers are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.networks.automatic.automatic_parser import activated

POOLED = (1, 2, 3, 6)
"""Cells a side of the pooled maps (PSPNet, Zhao et al. 2017)."""

LOW_CHANNELS = 48
"""Channels to which the stage at stride 4 is brought before it joins."""

WIDTH = 256
"""Channels of the papers' decoders."""


class ContextEmbedding(nn.Module):
    """Pyramid pooling: each cell together with the means over 1, 4, 9 and 36 parts of the photograph (CE2P, 3.1).

    Args:
        inputs: channels of the encoder's last stage.
        outputs: channels of the result, and of each pooled map.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.pooled = nn.ModuleList(activated(inputs, outputs) for _ in POOLED)
        self.joined = activated(inputs + len(POOLED) * outputs, outputs, 3)

    def forward(self, stage: Tensor) -> Tensor:
        """float (N, inputs, h, w) to float (N, outputs, h, w)."""
        means = [resized(layer(pooled(stage, cells)), stage) for layer, cells in zip(self.pooled, POOLED, strict=True)]
        joined: Tensor = self.joined(torch.cat([stage, *means], 1))
        return joined


class HighResolutionEmbedding(nn.Module):
    """The context joined with the encoder's stage at stride 4, whose outlines are fine (CE2P, 3.2).

    RPR's Eq. 2 writes a sum; CE2P's published code concatenates, which also gives the parameters that RPR counts.

    Args:
        context: channels of the context embedding.
        low: channels of the stage at stride 4.
        width: channels of the result.
    """

    def __init__(self, context: int, low: int, width: int) -> None:
        super().__init__()
        self.context, self.low = activated(context, width), activated(low, LOW_CHANNELS)
        self.joined = nn.Sequential(activated(width + LOW_CHANNELS, width), activated(width, width))

    def forward(self, context: Tensor, low: Tensor) -> Tensor:
        """float (N, context, h, w) and (N, low, H / 4, W / 4) to float (N, width, H / 4, W / 4)."""
        joined: Tensor = self.joined(torch.cat([resized(self.context(context), low), self.low(low)], 1))
        return joined


def pooled(values: Tensor, cells: int) -> Tensor:
    """Means over ``cells`` x ``cells`` parts, as ``adaptive_avg_pool2d`` has them, for maps of any size.

    That one cannot be exported to ONNX for sizes that are not known beforehand.
    """
    rows, columns = (_shares(side, cells, values) for side in values.shape[-2:])
    return torch.matmul(torch.matmul(rows, values), columns.transpose(0, 1))


def _shares(side: int, cells: int, like: Tensor) -> Tensor:
    """The share of each place of a side in each of the cells' means, float (cells, side)."""
    place = torch.arange(side, device=like.device)
    cell = torch.arange(cells, device=like.device)[:, None]
    inside = (place >= cell * side // cells) & (place < ((cell + 1) * side + cells - 1) // cells)
    return inside.to(like.dtype) / inside.sum(1, keepdim=True)


def resized(values: Tensor, like: Tensor) -> Tensor:
    """``values`` interpolated to the height and width of ``like``."""
    return interpolate(values, size=like.shape[-2:], mode="bilinear", align_corners=False)
