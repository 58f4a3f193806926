"""AutomaticParser: interface of networks that parse a photograph without clicks; they are served as click networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN, Normalisation, fetching
from ihp_backend.networks.weights import encoder_of


@dataclass(frozen=True)
class ParserOutputs:
    """What a parser answers, and what its training looks at besides.

    Attributes:
        logits: float (N, num_labels, h, w), the parsing.
        embedding: float (N, channels, h, w), the features that the logits were made from.
        auxiliary: logits of further parsings, float (N, num_labels, h', w') each, which learn beside the answer.
        edges: float (N, 2, h', w'), logits of no edge and of an edge between parts; None of parsers without them.
        regions: logits of a region's parts, float (N, 1 + parts, h, w), channel 0 for everything else, by region.
    """

    logits: Tensor
    embedding: Tensor
    auxiliary: tuple[Tensor, ...] = ()
    edges: Tensor | None = None
    regions: Mapping[str, Tensor] = field(default_factory=dict)


class AutomaticParser(ClickNetwork):
    """A click network that takes no notice of clicks, so that ``encode`` already does everything.

    Clicks on its answer are settled where it is served (``parsing.click_enforcement``).

    Attributes:
        regions: label ids by the name of each region that the parser parses by itself.
    """

    regions: Mapping[str, Sequence[int]] = MappingProxyType({})

    @abstractmethod
    def outputs(self, image: Tensor) -> ParserOutputs:
        """Parses photographs.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255.
        """

    def encode(self, image: Tensor) -> Decoded:
        """The whole answer: logits and embedding."""
        outputs = self.outputs(image)
        return Decoded(outputs.logits, outputs.embedding)

    def decode(self, features: Decoded, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        """``features`` as they are, whatever the clicks."""
        return features


class StagedParser(AutomaticParser):
    """A parser made of an encoder's stages and of what is made from them; region parsers can join between the two."""

    @property
    def stage_channels(self) -> tuple[int, ...]:
        """Channels of the stages, as an encoder of segmentation-models-pytorch has them."""
        channels: Sequence[int] = encoder_of(self).out_channels  # type: ignore[union-attr, assignment]
        return tuple(channels)

    @abstractmethod
    def stages(self, image: Tensor) -> list[Tensor]:
        """The encoder's stages: the photograph itself, and float (N, channels, H / 2, W / 2), (..., H / 4, W / 4), ...

        The last ones may have one stride.
        """

    @abstractmethod
    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """What is made from the stages."""

    def outputs(self, image: Tensor) -> ParserOutputs:
        """Parses photographs."""
        return self.heads(self.stages(image))


class EncoderParser(StagedParser):
    """A staged parser with an encoder of segmentation-models-pytorch.

    Args:
        num_labels: number of labels, the background's included.
        encoder: any encoder name that segmentation-models-pytorch knows, ``tu-...`` for those of timm.
        encoder_weights: a name known to segmentation-models-pytorch (fetched from its hub), or None.
        output_stride: of the last stage, 8, 16 or 32; encoders with dilated convolutions keep stages finer.
        mean, deviation: per-channel normalisation that the encoder weights were trained with, for RGB in 0..1.
        encoder_options: further arguments of timm's encoders.

    Raises:
        ValueError: the encoder's weights cannot be fetched.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str,
        encoder_weights: str | None,
        output_stride: int,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
        encoder_options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.num_labels = num_labels
        self.multiple_of = output_stride
        with fetching(encoder, encoder_weights):
            self.encoder = smp.encoders.get_encoder(
                encoder, weights=encoder_weights, output_stride=output_stride, **encoder_options
            )
        self.normalise = Normalisation(mean, deviation)

    def stages(self, image: Tensor) -> list[Tensor]:
        """See ``StagedParser``."""
        stages: list[Tensor] = self.encoder(self.normalise(image))
        return stages


def activated(inputs: int, outputs: int, size: int = 1, dilation: int = 1) -> nn.Sequential:
    """A convolution that keeps height and width, batch norm and leaky ReLU, as in CE2P."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, padding=size // 2 * dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.01, inplace=True),
    )
