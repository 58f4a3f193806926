"""The two halves in which a live network is exported: tensors in, tensors out, one photograph at a time."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from ihp_backend.networks.live.network import LiveNetwork
from ihp_backend.networks.live.upsampling import shares


class Encoding(NamedTuple):
    """What the first half gives.

    Attributes:
        embedding, embedding_8: float (1, D + 3, h, w) at stride 4, and at stride 8: ``Sight.look``.
        prior, prior_8: float (1, known labels, h, w), probabilities at stride 4, and at stride 8.
        context_4, context_8, context_16: float (1, C, ...) at those strides.
        shares: float (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
    """

    embedding: Tensor
    embedding_8: Tensor
    prior: Tensor
    prior_8: Tensor
    context_4: Tensor
    context_8: Tensor
    context_16: Tensor
    shares: Tensor


class EncoderHalf(nn.Module):
    """``image`` uint8 (1, 3, H, W) to an ``Encoding``."""

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Encoding:
        """Encodes one photograph."""
        features = self.network.encode(image)
        fine, coarse = features.fine, features.coarse
        return Encoding(
            fine.look,
            coarse.look,
            fine.prior,
            coarse.prior,
            *features.context,
            shares(features.mixture),
        )


class DecoderHalf(nn.Module):
    """The planes of one label to its logits, float (1, 1, h, w); the planes are made beforehand.

    The context passes through convolutions that change nothing. ONNX Runtime keeps what comes out of a convolution in
    blocks of channels; what is added to such values without being one it has to put into that order and back.
    """

    def __init__(self, network: LiveNetwork) -> None:
        super().__init__()
        self.decoder = network.decoder
        self.unchanged = nn.ModuleList(_unchanging(channels) for channels in network.decoder.widths)

    def forward(self, fine: Tensor, coarse: Tensor, context_4: Tensor, context_8: Tensor, context_16: Tensor) -> Tensor:
        """Decodes one label of one photograph.

        Args:
            fine: float (1, fine planes, h, w).
            coarse: float (1, coarse planes, h/2, w/2).
            context_4, context_8, context_16: see ``Encoding``.
        """
        context = zip(self.unchanged, (context_4, context_8, context_16), strict=True)
        four, eight, sixteen = (layer(values) for layer, values in context)
        logits: Tensor = self.decoder(fine, coarse, (four, eight, sixteen))
        return logits


def _unchanging(channels: int) -> nn.Conv2d:
    """A convolution that gives what it gets."""
    layer = nn.Conv2d(channels, channels, 1, groups=channels, bias=False)
    nn.init.ones_(layer.weight)
    return layer
