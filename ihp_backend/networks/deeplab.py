"""The click network of the paper: DeepLab V3+ whose first convolution also sees localization maps (IHP, III-B).

Clicks join at the first layer, so nothing can be computed before they are known: ``encode`` only normalises the
photograph and ``decode`` is the whole network.
"""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from ihp_backend.networks.click_network import ClickNetwork, Decoded


class DeepLabClickNetwork(ClickNetwork):
    """DeepLab V3+ of segmentation-models-pytorch on 3 + num_labels input channels.

    The paper writes 3 + C + 1 with C parts; here ``num_labels`` counts the background too, so it is C + 1.

    Args:
        num_labels: number of labels, the background's included.
        encoder: any encoder name segmentation-models-pytorch knows, ``tu-...`` for those of timm.
        encoder_weights: a name known to segmentation-models-pytorch (fetched from its hub), or None.
        decoder_channels: width of the decoder and of ``Decoded.embedding``.
        mean, deviation: per-channel normalisation the encoder weights were trained with, for RGB in 0..1.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "mobilenet_v2",
        encoder_weights: str | None = None,
        decoder_channels: int = 256,
        mean: tuple[float, float, float] = (0.485, 0.456, 0.406),
        deviation: tuple[float, float, float] = (0.229, 0.224, 0.225),
    ) -> None:
        super().__init__()
        self.num_labels = num_labels
        self.network = smp.DeepLabV3Plus(
            encoder_name=encoder,
            encoder_weights=encoder_weights,
            decoder_channels=decoder_channels,
            classes=num_labels,
            upsampling=1,
        )
        self.multiple_of = 16
        widen_first_convolution(self.network.encoder, extra_channels=num_labels)
        self.register_buffer("image_mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("image_deviation", torch.tensor(deviation).view(1, 3, 1, 1) * 255, persistent=False)
        self.image_mean: Tensor
        self.image_deviation: Tensor

    def encode(self, image: Tensor) -> Tensor:
        """The normalised photograph, float (N, 3, H, W)."""
        return (image.to(self.image_mean.dtype) - self.image_mean) / self.image_deviation

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """Logits and embedding at stride 4; ``previous`` is not used by the paper's network."""
        # 1 at a click and 0 where none is near, on the scale of the normalised photograph (raw 0..255 is not).
        nearness = 1 - click_maps.to(features.dtype) / 255
        stages = self.network.encoder(torch.cat([features, nearness], dim=1))
        embedding = self.network.decoder(stages)
        return Decoded(self.network.segmentation_head(embedding), embedding)


def widen_first_convolution(encoder: nn.Module, extra_channels: int) -> None:
    """Lets the encoder's first convolution take ``extra_channels`` more channels after the RGB ones, in place.

    The RGB filters keep their weights and the new ones start at zero, so that a pretrained encoder answers as it did.

    Raises:
        ValueError: the encoder has no convolution over three channels.
    """
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3:
            break
    else:
        raise ValueError("encoder: no convolution over 3 input channels found; choose an encoder for RGB images")
    weight = module.weight.detach()
    module.in_channels += extra_channels
    zeros = weight.new_zeros(weight.shape[0], extra_channels, *weight.shape[2:])
    module.weight = nn.Parameter(torch.cat([weight, zeros], dim=1))
