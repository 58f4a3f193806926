"""DeepLab V3 (Chen et al. 2017) of segmentation-models-pytorch, a baseline of RPR."""

from __future__ import annotations

import segmentation_models_pytorch as smp
from torch import Tensor

from ihp_backend.networks.automatic.automatic_parser import ParserOutputs, StagedParser
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN, Normalisation, fetching


class DeepLabV3(StagedParser):
    """DeepLab V3: dilated convolutions side by side on the encoder's last stage.

    Args:
        num_labels, encoder, encoder_weights, output_stride, mean, deviation: see ``EncoderParser``.
        decoder_channels: width of the embedding.
        dilations: of the three convolutions; (12, 24, 36) is meant for an output stride of 8.
    """

    def __init__(
        self,
        num_labels: int,
        encoder: str = "resnet101",
        encoder_weights: str | None = None,
        output_stride: int = 8,
        decoder_channels: int = 256,
        dilations: tuple[int, int, int] = (12, 24, 36),
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.num_labels, self.multiple_of = num_labels, output_stride
        with fetching(encoder, encoder_weights):
            self.network = smp.DeepLabV3(
                encoder,
                encoder_weights=encoder_weights,
                encoder_output_stride=output_stride,
                decoder_channels=decoder_channels,
                decoder_atrous_rates=dilations,
                classes=num_labels,
                upsampling=1,
            )
        self.normalise = Normalisation(mean, deviation)

    def stages(self, image: Tensor) -> list[Tensor]:
        """See ``StagedParser``."""
        stages: list[Tensor] = self.network.encoder(self.normalise(image))
        return stages

    def heads(self, stages: list[Tensor]) -> ParserOutputs:
        """Logits and embedding at the output stride."""
        embedding = self.network.decoder(stages)
        return ParserOutputs(self.network.segmentation_head(embedding), embedding)
