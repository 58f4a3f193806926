"""DeepLab V3+ in four forms: click network, automatic parser, iDeepLab V3+, DEXTR (IHP, III-B and IV-D); DeepLab V3."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.networks.automatic.automatic_parser import ParserOutputs, StagedParser
from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.part_network import PartNetwork
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN, Normalisation, fetching


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
        return self.decoded(self.encoder(photograph if extra is None else torch.cat([photograph, extra], dim=1)))

    def decoded(self, stages: list[Tensor]) -> Decoded:
        """Logits and embedding at stride 4, from the encoder's stages."""
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


class _DeepLabNetwork(ClickNetwork):
    """The common base of the click networks made of DeepLab V3+.

    Clicks join at the first layer, so nothing can be computed before they are known: ``encode`` only normalises the
    photograph and ``decode`` is the whole network.

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
        outputs, extra_channels = self._channels(num_labels)
        self.network = WidenedDeepLab(
            outputs, extra_channels, encoder, encoder_weights, decoder_channels, mean, deviation
        )
        self.multiple_of = self.network.multiple_of

    @staticmethod
    @abstractmethod
    def _channels(num_labels: int) -> tuple[int, int]:
        """Logits per pixel, and input channels after the RGB ones."""

    def encode(self, image: Tensor) -> Any:
        """The normalised photograph, float (N, 3, H, W)."""
        return self.network.normalise(image)


class DeepLabClickNetwork(_DeepLabNetwork):
    """DeepLab V3+ on 3 + num_labels input channels.

    The paper writes 3 + C + 1 with C parts; here ``num_labels`` counts the background too, so it is C + 1.

    Args:
        num_labels: number of labels, the background's included.
        encoder, encoder_weights, decoder_channels, mean, deviation: see ``WidenedDeepLab``.
    """

    @staticmethod
    def _channels(num_labels: int) -> tuple[int, int]:
        return num_labels, num_labels

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """Logits and embedding at stride 4; ``previous`` is not used by the paper's network."""
        decoded: Decoded = self.network(features, nearness(click_maps, features.dtype))
        return decoded


class PlainDeepLab(StagedParser, _DeepLabNetwork):
    """DeepLab V3+ that takes no notice of clicks.

    Args:
        num_labels: number of labels, the background's included.
        encoder, encoder_weights, decoder_channels, mean, deviation: see ``WidenedDeepLab``.
    """

    @staticmethod
    def _channels(num_labels: int) -> tuple[int, int]:
        return num_labels, 0

    def stages(self, image: Tensor) -> list[Tensor]:
        """See ``StagedParser``."""
        stages: list[Tensor] = self.network.encoder(self.network.normalise(image))
        return stages

    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """Logits and embedding at stride 4."""
        return ParserOutputs(*self.network.decoded(stages))


class InteractiveDeepLab(_DeepLabNetwork, PartNetwork):
    """iDeepLab V3+: 5 input channels, one part at a time; as a click network every clicked part in turn.

    The network knows no labels: it sees the photograph, the clicks inside a part and the clicks outside it, and says
    how likely each pixel belongs to the part.

    The positive clicks of a part are its own, its negative ones those of all other labels. At every pixel the part of
    the highest probability wins; where no part has more than one half there is background. The background is no part:
    its clicks are negative ones for all parts, and it has the logit 0, a probability of one half.

    Args:
        num_labels: number of labels, the background's included.
        encoder, encoder_weights, decoder_channels, mean, deviation: see ``WidenedDeepLab``.
    """

    @staticmethod
    def _channels(num_labels: int) -> tuple[int, int]:
        return 1, 2

    def foreground(self, image: Tensor, guidance: Tensor) -> Tensor:
        """See ``PartNetwork``; ``guidance`` holds the localization maps of positive and of negative clicks."""
        photograph = self.encode(image)
        logits: Tensor = self.network(photograph, nearness(guidance, photograph.dtype)).logits
        return logits

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
        logits = found.new_full((*clicked.shape, *found.shape[1:]), ABSENT_LOGIT)
        logits[photograph, part] = found
        logits = logits.masked_fill(~clicked[:, :, None, None], ABSENT_LOGIT)
        logits[:, 0] = 0
        return Decoded(logits, logits[:, :0])


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
