"""DeepLab V3+ without clicks: automatic parsing, the baseline that every click is to improve on."""

from __future__ import annotations

from torch import Tensor

from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN
from ihp_backend.networks.widened_deeplab import WidenedDeepLab


class PlainDeepLab(ClickNetwork):
    """DeepLab V3+ that takes no notice of clicks, so that ``encode`` already does everything.

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
        self.network = WidenedDeepLab(num_labels, 0, encoder, encoder_weights, decoder_channels, mean, deviation)
        self.multiple_of = self.network.multiple_of

    def encode(self, image: Tensor) -> Decoded:
        """The whole answer: logits and embedding at stride 4."""
        decoded: Decoded = self.network(self.network.normalise(image))
        return decoded

    def decode(self, features: Decoded, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """``features`` as they are, whatever the clicks."""
        return features
