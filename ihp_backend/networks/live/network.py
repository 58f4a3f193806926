"""The live network: encode a photograph once, decode each click in milliseconds, for any label set.

Nothing of a label but its clicks, its drawn mask and, where it is known, its prior enters the decoder, and all labels
share one decoder; so an annotation team's own labels work from the first click, and renaming or reordering labels
changes nothing. The prior is evidence among others and never added to the answer, so that clicks can overrule it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.decoder import LabelDecoder
from ihp_backend.networks.live.evidence import ABSENT, Evidence, clicked_in
from ihp_backend.networks.live.features import FeatureNetwork, LiveFeatures
from ihp_backend.networks.live.kernels import ClickKernels
from ihp_backend.networks.live.upsampling import upsampled
from ihp_backend.networks.widened_deeplab import IMAGENET_DEVIATION, IMAGENET_MEAN


class LiveNetwork(nn.Module):
    """Encoder, click kernels and label decoder.

    Args:
        num_labels: labels the network learns by name, the background's included.
        encoder, encoder_weights, mean, deviation: see ``WidenedDeepLab``.
        width: channels of the features from which everything is read.
        embedding: channels of the embedding.
        widths: channels of the decoder at strides 4, 8 and 16.

    Attributes:
        multiple_of: height and width of photographs must be multiples of this.
    """

    multiple_of = 16

    def __init__(
        self,
        num_labels: int,
        encoder: str = "mobilenet_v2",
        encoder_weights: str | None = None,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        deviation: tuple[float, float, float] = IMAGENET_DEVIATION,
        width: int = 96,
        embedding: int = 32,
        widths: tuple[int, int, int] = (16, 32, 48),
    ) -> None:
        super().__init__()
        self.num_labels = num_labels
        self.network = FeatureNetwork(num_labels, encoder, encoder_weights, mean, deviation, width, embedding, widths)
        self.kernels = ClickKernels()
        self.decoder = LabelDecoder(ClickKernels.planes + 3, widths)

    def encode(self, image: Tensor) -> LiveFeatures:
        """Everything that does not depend on clicks.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255; height and width multiples of ``multiple_of``.
        """
        features: LiveFeatures = self.network(image)
        return features

    def decode(self, features: LiveFeatures, evidence: Evidence) -> Tensor:
        """Logits of all labels at stride 4, float (N, L, H/4, W/4).

        ``upsampled(logits, features.mixture)`` makes them those of all pixels.
        """
        prior = torch.einsum("nlk,nkhw->nlhw", evidence.known, features.prior.softmax(1))
        known = evidence.known.amax(2)[..., None, None].expand_as(prior)
        others = torch.stack([prior, known, evidence.previous], 2)
        planes = torch.cat([self.kernels(features.embedding, evidence.clicked), others], 2)
        logits = self.decoder(planes, features.context, evidence.present)
        return logits.masked_fill(~evidence.present[..., None, None], ABSENT)

    def forward(self, image: Tensor, click_maps: Tensor) -> Tensor:
        """Logits of all pixels, float (N, num_labels, H, W), for the labels that the network knows.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255.
            click_maps: uint8 (N, num_labels, H, W), localization maps.
        """
        features = self.encode(image)
        images, labels = click_maps.shape[:2]
        known = torch.eye(labels, device=image.device, dtype=features.prior.dtype).expand(images, -1, -1)
        present = known.new_ones(images, labels, dtype=torch.bool)
        nothing = torch.zeros_like(features.prior)
        logits = self.decode(features, Evidence(clicked_in(click_maps), known, nothing, present))
        return upsampled(logits, features.mixture)
