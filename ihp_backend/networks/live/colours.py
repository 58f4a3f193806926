"""Colours of cells: what a click can follow where nothing has been learned about what is clicked."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ihp_backend.networks.live.convex_combination import STRIDE

COLOURS = 3
"""Channels of a colour."""

BRIGHTNESS = 0.2
"""Weight of brightness, which changes with the light, against that of colour, which belongs to things."""


def colours(photograph: Tensor) -> Tensor:
    """Mean colour of each cell, float (N, 3, H/4, W/4): brightness, red against green and yellow against blue.

    Args:
        photograph: float (N, 3, H, W), RGB in 0..1.
    """
    red, green, blue = avg_pool2d(photograph, STRIDE).unbind(1)
    return torch.stack([BRIGHTNESS * (red + green + blue), red - green, 0.5 * (red + green) - blue], 1)
