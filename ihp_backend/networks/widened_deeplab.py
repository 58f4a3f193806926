"""DeepLab V3+ that sees more than a photograph: the normalised RGB channels and others beside them."""

from __future__ import annotations

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from ihp_backend.networks.click_network import Decoded
from ihp_backend.networks.pretrained import Normalisation, fetching


class WidenedDeepLab(smp.DeepLabV3Plus):
    """DeepLab V3+ of segmentation-models-pytorch whose first convolution takes further channels after the RGB ones.

    Args:
        outputs: number of logits per pixel.
        extra_channels: number of further input channels; may be 0.
        encoder: any encoder name segmentation-models-pytorch knows, ``tu-...`` for those of timm.
        encoder_weights: a name known to segmentation-models-pytorch (fetched from its hub), or None.
        decoder_channels: width of the decoder and of ``Decoded.embedding``.
        mean, deviation: per-channel normalisation the encoder weights were trained with, for RGB in 0..1.

    Attributes:
        multiple_of: height and width of the input must be multiples of this.

    Raises:
        ValueError: the encoder's weights cannot be fetched, or it has no convolution over three channels.
    """

    multiple_of = 16

    def __init__(
        self,
        outputs: int,
        extra_channels: int,
        encoder: str,
        encoder_weights: str | None,
        decoder_channels: int,
        mean: tuple[float, float, float],
        deviation: tuple[float, float, float],
    ) -> None:
        with fetching(encoder, encoder_weights):
            super().__init__(
                encoder_name=encoder,
                encoder_weights=encoder_weights,
                decoder_channels=decoder_channels,
                classes=outputs,
                upsampling=1,
            )
        widen_first_convolution(self.encoder, extra_channels)
        self.normalise = Normalisation(mean, deviation)

    def forward(self, photograph: Tensor, extra: Tensor | None = None) -> Decoded:
        """Logits and embedding at stride 4.

        Args:
            photograph: float (N, 3, H, W), from ``normalise``.
            extra: float (N, extra_channels, H, W), about 0..1; None where there are no extra channels.
        """
        stages = self.encoder(photograph if extra is None else torch.cat([photograph, extra], dim=1))
        embedding = self.decoder(stages)
        return Decoded(self.segmentation_head(embedding), embedding)


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


def nearness(click_maps: Tensor, dtype: torch.dtype) -> Tensor:
    """Localization maps (uint8, 0 at a click) as a network sees them: 1 at a click and 0 where none is near.

    This is the scale of the normalised photograph; the raw 0..255 is not.
    """
    return 1 - click_maps.to(dtype) / 255
