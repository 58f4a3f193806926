"""The decoder that all labels share: from the planes of one label to its logit in every cell."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ihp_backend.networks.live.blocks import Separable, convolution, doubled

SPLIT = 2
"""Fine cells along each axis in a coarse one."""


class LabelDecoder(nn.Module):
    """A small U over strides 4, 8 and 16, run for each label with the same weights.

    A label hears of the others only through its planes, which say whose clicks are nearest. So neither their order nor
    their number matters, and each can be decoded by itself, within a processor core's cache.

    Args:
        fine_planes: per label, at stride 4.
        coarse_planes: per label, at stride 8.
        widths: channels at strides 4, 8 and 16.
        finest: 8 leaves stride 4 out, for comparison.
    """

    def __init__(
        self, fine_planes: int, coarse_planes: int, widths: tuple[int, int, int], finest: Literal[4, 8] = 4
    ) -> None:
        super().__init__()
        four, eight, sixteen = self.widths = widths
        self.finest = finest
        self.enter_four, self.enter_eight = nn.Conv2d(fine_planes, four, 1), nn.Conv2d(coarse_planes, eight, 1)
        self.down_eight, self.down_sixteen = nn.Conv2d(four, eight, 1), nn.Conv2d(eight, sixteen, 1)
        self.look_four = nn.Sequential(nn.ReLU(), Separable(four, 3))
        self.look_eight = nn.Sequential(nn.ReLU(), Separable(eight, 5))
        self.look_sixteen = nn.Sequential(nn.ReLU(), Separable(sixteen, 5), Separable(sixteen, 5))
        self.up_eight, self.up_four = convolution(sixteen, eight), convolution(eight, four)
        self.join_eight, self.join_four = Separable(eight, 5), Separable(four, 3)
        self.answer = nn.Conv2d(four, 1, 1)

    def forward(self, fine: Tensor, coarse: Tensor, context: tuple[Tensor, Tensor, Tensor], labels: int = 1) -> Tensor:
        """Logits float (N labels, 1, h, w).

        Args:
            fine: float (N labels, fine planes, h, w), the labels of a photograph one after the other.
            coarse: float (N labels, coarse planes, h/2, w/2).
            context: float (N, channels, ...) at strides 4, 8 and 16, with the decoder's widths as channels.
            labels: of each photograph.
        """
        eight = self.enter_eight(coarse)
        if self.finest == 4:
            looked = self.look_four(_with(self.enter_four(fine), context[0], labels))
            eight = self.down_eight(avg_pool2d(looked, 2)) + eight
        eight = self.look_eight(_with(eight, context[1], labels))
        sixteen = self.look_sixteen(_with(self.down_sixteen(avg_pool2d(eight, 2)), context[2], labels))
        eight = self.join_eight(eight + doubled(self.up_eight(sixteen)))
        four = doubled(self.up_four(eight))
        if self.finest == 4:
            four = self.join_four(looked + four)
        logits: Tensor = self.answer(four)
        return logits


def _with(values: Tensor, context: Tensor, labels: int) -> Tensor:
    """Adds a photograph's context (N, C, h, w) to each of its labels' values (N labels, C, h, w)."""
    if labels == 1:
        return values + context
    return (values.unflatten(0, (-1, labels)) + context[:, None]).flatten(0, 1)
