"""The click network of the paper: DeepLab V3+ whose first convolution also sees localization maps (IHP, III-B).

Clicks join at the first layer, so nothing can be computed before they are known: ``encode`` only normalises the
photograph and ``decode`` is the whole network.
"""

from __future__ import annotations

from torch import Tensor

from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN
from ihp_backend.networks.widened_deeplab import WidenedDeepLab, nearness


class DeepLabClickNetwork(ClickNetwork):
    """DeepLab V3+ on 3 + num_labels input channels.

    The paper writes 3 + C + 1 with C parts; here ``num_labels`` counts the background too, so it is C + 1.

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
        self.network = WidenedDeepLab(
            num_labels, num_labels, encoder, encoder_weights, decoder_channels, mean, deviation
        )
        self.multiple_of = self.network.multiple_of

    def encode(self, image: Tensor) -> Tensor:
        """The normalised photograph, float (N, 3, H, W)."""
        return self.network.normalise(image)

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """Logits and embedding at stride 4; ``previous`` is not used by the paper's network."""
        decoded: Decoded = self.network(features, nearness(click_maps, features.dtype))
        return decoded
