"""DEXTR with DeepLab V3+: a part from its four extreme points (Maninis et al., CVPR 2018)."""

from __future__ import annotations

from torch import Tensor

from ihp_backend.networks.part_network import PartNetwork
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN
from ihp_backend.networks.widened_deeplab import WidenedDeepLab


class ExtremePointDeepLab(PartNetwork):
    """DeepLab V3+ on 4 input channels: the crop around a part, and Gaussians at its extreme points.

    Args:
        encoder, encoder_weights, decoder_channels, mean, deviation: see ``WidenedDeepLab``.
    """

    def __init__(
        self,
        encoder: str = "mobilenet_v2",
        encoder_weights: str | None = None,
        decoder_channels: int = 256,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.network = WidenedDeepLab(1, 1, encoder, encoder_weights, decoder_channels, mean, deviation)

    def foreground(self, image: Tensor, guidance: Tensor) -> Tensor:
        """See ``PartNetwork``; ``guidance`` is one map of Gaussians, float in 0..1."""
        photograph = self.network.normalise(image)
        logits: Tensor = self.network(photograph, guidance.to(photograph.dtype)).logits
        return logits
