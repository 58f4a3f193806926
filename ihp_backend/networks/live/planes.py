"""Planes: what the decoder sees of each label at one stride."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ihp_backend.networks.live.colours import COLOURS
from ihp_backend.networks.live.convex_combination import STRIDE
from ihp_backend.networks.live.decoder_inputs import DecoderInputs
from ihp_backend.networks.live.features import Sight
from ihp_backend.networks.live.kernels import FAINT, ClickKernels, Kernel


class LabelPlanes(nn.Module):
    """Click kernels, prior, the parsing so far and, where wanted, two constants: known or not, clicked or not.

    Args:
        kernels: of the clicks.
        stride: 4 or a multiple of it.
        constants: whether the two constants are among the planes.
        similarity: see ``ClickKernels``.

    Attributes:
        count: number of planes per label.
    """

    def __init__(self, kernels: tuple[Kernel, ...], stride: int, *, constants: bool, similarity: bool) -> None:
        super().__init__()
        self.kernels, self.constants = ClickKernels(kernels, stride, similarity=similarity), constants
        self.count = self.kernels.planes + 2 + 2 * constants

    def forward(self, sight: Sight, clicked_look: Tensor, inputs: DecoderInputs) -> Tensor:
        """float (N, L, count, h, w).

        Args:
            sight: the photograph at this stride.
            clicked_look: float (N, n, D + 3), see ``Sight.look``, at the clicks.
            inputs: of all labels.
        """
        clicked, known, previous, _ = inputs
        prior = torch.einsum("nlk,nkhw->nlhw", known, sight.prior)
        pooled = avg_pool2d(previous, self.kernels.stride // STRIDE)
        planes = [self.kernels(sight.look, clicked_look, clicked), torch.stack([prior, pooled], 2)]
        if self.constants:
            constants = torch.stack([known.amax(2), clicked.own.amax(1)], 2)
            planes.append(constants[..., None, None].expand(-1, -1, -1, *prior.shape[2:]))
        return torch.cat(planes, 2)

    def describe(self) -> dict[str, Any]:
        """The settings needed to make the planes elsewhere; see ``parsing.label_planes``."""
        kernels = self.kernels
        sharpness, precision = kernels.sharpness.detach(), torch.exp(-2 * kernels.log_reach.detach())
        return {
            "stride": kernels.stride,
            "constants": self.constants,
            "colours": COLOURS,
            "faint": FAINT,
            "kernels": [
                {
                    "sharpness": sharp,
                    "precision": precise,
                    "colour": 0.0 if colour is None else colour.item(),
                    "planes": planes,
                }
                for sharp, precise, colour, planes in zip(
                    sharpness.tolist(), precision.tolist(), kernels.colour(), kernels.kinds, strict=True
                )
            ],
        }
