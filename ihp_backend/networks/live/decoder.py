"""The decoder that all labels share: from the planes of a label to its logit in every cell."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ihp_backend.networks.live.blocks import Separable, convolution, enlarged


class LabelDecoder(nn.Module):
    """A small U over strides 4, 8 and 16, run for each label with the same weights.

    Labels hear of one another through the planes, which say whose clicks are nearest, and through the mean over all
    labels, which each level takes in; so their order does not matter, nor their number.

    Args:
        planes: per label.
        widths: channels at strides 4, 8 and 16.
    """

    def __init__(self, planes: int, widths: tuple[int, int, int]) -> None:
        super().__init__()
        four, eight, sixteen = widths
        self.enter = nn.Conv2d(planes, four, 1)
        self.look = nn.Sequential(nn.BatchNorm2d(four), nn.ReLU(), Separable(four, 3))
        self.down_eight, self.down_sixteen = nn.Conv2d(four, eight, 1), nn.Conv2d(eight, sixteen, 1)
        self.hear_eight, self.hear_sixteen = nn.Conv2d(eight, eight, 1), nn.Conv2d(sixteen, sixteen, 1)
        self.middle_eight = nn.Sequential(nn.BatchNorm2d(eight), nn.ReLU(), Separable(eight, 5))
        self.middle_sixteen = nn.Sequential(
            nn.BatchNorm2d(sixteen), nn.ReLU(), Separable(sixteen, 5), Separable(sixteen, 5)
        )
        self.up_eight, self.up_four = convolution(sixteen, eight), convolution(eight, four)
        self.join_eight, self.join_four = Separable(eight, 5), Separable(four, 3)
        self.answer = nn.Conv2d(four, 1, 1)

    def forward(self, planes: Tensor, context: tuple[Tensor, Tensor, Tensor], present: Tensor) -> Tensor:
        """Logits float (N, L, h, w).

        Args:
            planes: float (N, L, planes, h, w).
            context: float (N, channels, h, w) at strides 4, 8 and 16, with the decoder's widths as channels.
            present: bool (N, L), whom the others hear.
        """
        labels = present.shape[1]
        entered = self.enter(planes.flatten(0, 1)).unflatten(0, (-1, labels)) + context[0][:, None]
        four = self.look(entered.flatten(0, 1))
        eight = self.down_eight(avg_pool2d(four, 2))
        eight = self.middle_eight(_heard(eight, self.hear_eight, context[1], present))
        sixteen = self.down_sixteen(avg_pool2d(eight, 2))
        sixteen = self.middle_sixteen(_heard(sixteen, self.hear_sixteen, context[2], present))
        eight = self.join_eight(eight + enlarged(self.up_eight(sixteen), eight))
        four = self.join_four(four + enlarged(self.up_four(eight), four))
        logits: Tensor = self.answer(four)[:, 0]
        return logits.unflatten(0, (-1, labels))


def _heard(values: Tensor, hear: nn.Module, context: Tensor, present: Tensor) -> Tensor:
    """Adds to each label's (N L, C, h, w) the photograph's context and what the mean over the present labels says."""
    each = values.unflatten(0, present.shape)
    weights = present.to(values.dtype)
    mean = (each * weights[..., None, None, None]).sum(1) / weights.sum(1)[:, None, None, None].clamp(min=1)
    return (each + (hear(mean) + context)[:, None]).flatten(0, 1)
