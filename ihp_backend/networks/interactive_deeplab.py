"""iDeepLab V3+: a network for one part at a time, and the multi-class protocol around it (IHP, IV-D, Fig. 4d).

The network knows no labels: it sees the photograph, the clicks inside a part and the clicks outside it, and says how
likely each pixel belongs to the part. For a whole parsing it is asked once per clicked part.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.part_network import PartNetwork
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN
from ihp_backend.networks.widened_deeplab import WidenedDeepLab, nearness

UNCLICKED = -1e4
"""Logit of a part without a click: never the best one, and finite in half precision."""


class InteractiveDeepLab(PartNetwork, ClickNetwork):
    """DeepLab V3+ on 5 input channels; as a click network every clicked part in turn.

    The positive clicks of a part are its own, its negative ones those of all other labels. At every pixel the part of
    the highest probability wins; where no part has more than one half there is background. The background is no part:
    its clicks are negative ones for all parts, and it has the logit 0, a probability of one half.

    Args:
        num_labels: number of labels, the background's included.
        encoder, encoder_weights, decoder_channels, mean, deviation: see ``WidenedDeepLab``.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "mobilenet_v2",
        encoder_weights: str | None = None,
        decoder_channels: int = 256,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.num_labels = num_labels
        self.network = WidenedDeepLab(1, 2, encoder, encoder_weights, decoder_channels, mean, deviation)
        self.multiple_of = self.network.multiple_of

    def foreground(self, image: Tensor, guidance: Tensor) -> Tensor:
        """See ``PartNetwork``; ``guidance`` holds the localization maps of positive and of negative clicks."""
        photograph = self.encode(image)
        logits: Tensor = self.network(photograph, nearness(guidance, photograph.dtype)).logits
        return logits

    def encode(self, image: Tensor) -> Tensor:
        """The normalised photograph, float (N, 3, H, W)."""
        return self.network.normalise(image)

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """Logits at stride 4; the embedding has no channels, since every part has one of its own."""
        near = nearness(click_maps, features.dtype)
        # The nearest click of any *other* label is the nearest of all, or for that one's own label the second.
        nearest, whose = near.max(1)
        second = near.scatter(1, whose[:, None], 0).amax(1)
        clicked = near.amax((2, 3)) == 1
        clicked[:, 0] = False
        # An exported network must not meet an empty batch: without any click one part is asked for in vain.
        asked = clicked.clone()
        asked[0, 1] |= ~clicked.any()
        photograph, part = asked.nonzero(as_tuple=True)
        torch._check(part.shape[0] >= 1)  # Said for the exporter, which cannot know it.
        others = torch.where(whose[photograph] == part[:, None, None], second[photograph], nearest[photograph])
        guidance = torch.stack([near[photograph, part], others], 1)
        found = self.network(features[photograph], guidance).logits[:, 0]
        logits = found.new_full((*clicked.shape, *found.shape[1:]), UNCLICKED)
        logits[photograph, part] = found
        logits = logits.masked_fill(~clicked[:, :, None, None], UNCLICKED)
        logits[:, 0] = 0
        return Decoded(logits, logits[:, :0])
