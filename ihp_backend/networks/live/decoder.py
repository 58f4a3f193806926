"""The decoder that all labels share: what each label makes of the photograph around its evidence.

It works at strides 8, 16 and 32, where a label costs little. For every cell of 8 x 8 pixels it then says how the fine
cells in it are to be read: offsets and weights of a small network over the photograph's fine features and the label's
own fine planes.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ihp_backend.networks.live.blocks import Separable, convolution, enlarged

SPLIT = 2
"""Fine cells along each axis in a coarse one."""


class LabelDecoder(nn.Module):
    """A small U over strides 8, 16 and 32, run for each label with the same weights.

    Labels hear of one another through the planes, which say whose clicks are nearest, and through the mean over all
    labels, which each level takes in; so their order does not matter, nor their number.

    Args:
        planes: per label, at stride 8.
        widths: channels at strides 8, 16 and 32.
        fine: channels of the fine features.
        fine_planes: per label, at stride 4.
    """

    def __init__(self, planes: int, widths: tuple[int, int, int], fine: int, fine_planes: int) -> None:
        super().__init__()
        one, two, three = widths
        self.fine = fine
        self.enter = nn.Conv2d(planes, one, 1)
        self.hear = nn.ModuleList(nn.Conv2d(width, width, 1) for width in widths)
        self.down = nn.ModuleList([nn.Conv2d(one, two, 1), nn.Conv2d(two, three, 1)])
        self.look = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), Separable(width, size))
            for width, size in zip(widths, (3, 5, 5), strict=True)
        )
        self.up = nn.ModuleList([convolution(two, one), convolution(three, two)])
        self.join = nn.ModuleList([Separable(one, 5), Separable(two, 5)])
        self.answer = nn.Conv2d(one, 1 + 2 * fine, 1)
        self.read = nn.Conv2d(fine_planes, fine, 1, bias=False)
        # At first all labels are about equally likely everywhere, and every fine channel has a say.
        nn.init.normal_(self.answer.weight, std=0.01)
        assert self.answer.bias is not None
        nn.init.normal_(self.answer.bias, std=0.1)

    def forward(
        self,
        planes: Tensor,
        context: tuple[Tensor, Tensor, Tensor],
        fine: Tensor,
        fine_planes: Tensor,
        present: Tensor,
    ) -> Tensor:
        """Logits float (N, L, h, w) at stride 4.

        Args:
            planes: float (N, L, planes, h/2, w/2).
            context: float (N, channels, ...) at strides 8, 16 and 32, with the decoder's widths as channels.
            fine: float (N, fine, h, w).
            fine_planes: float (N, L, fine planes, h, w).
            present: bool (N, L), whom the others hear.
        """
        one = self._level(0, self.enter(planes.flatten(0, 1)), context[0], present)
        two = self._level(1, self.down[0](avg_pool2d(one, 2)), context[1], present)
        three = self._level(2, self.down[1](avg_pool2d(two, 2)), context[2], present)
        two = self.join[1](two + enlarged(self.up[1](three), two))
        one = self.join[0](one + enlarged(self.up[0](two), one))
        base, offsets, weights = self.answer(one).split([1, self.fine, self.fine], 1)
        seen = self.read(fine_planes.flatten(0, 1)).unflatten(0, present.shape) + fine[:, None]
        seen = (seen.flatten(0, 1) + enlarged(offsets, fine)).relu()
        logits = enlarged(base, fine)[:, 0] + (seen * enlarged(weights, fine)).sum(1)
        return logits.unflatten(0, present.shape)

    def _level(self, level: int, values: Tensor, context: Tensor, present: Tensor) -> Tensor:
        """Takes in the photograph's context and what the mean over the present labels says, (N L, C, h, w)."""
        each = values.unflatten(0, present.shape)
        weights = present.to(values.dtype)
        mean = (each * weights[..., None, None, None]).sum(1) / weights.sum(1)[:, None, None, None].clamp(min=1)
        entered: Tensor = self.look[level]((each + (self.hear[level](mean) + context)[:, None]).flatten(0, 1))
        return entered
