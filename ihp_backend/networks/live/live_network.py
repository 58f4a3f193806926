"""The live network: encode a photograph once, decode each click in milliseconds, for any label set.

Nothing of a label but its clicks, its drawn mask and, where it is known, its prior enters the decoder, and all labels
share one decoder; so an annotation team's own labels work from the first click, and renaming or reordering labels
changes nothing. The prior is evidence among others and never added to the answer, so that clicks can overrule it.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.networks.live.convex_combination import STRIDE, upsampled
from ihp_backend.networks.live.decoder import SPLIT, LabelDecoder
from ihp_backend.networks.live.decoder_inputs import DecoderInputs, clicked_in
from ihp_backend.networks.live.features import FeatureNetwork, LiveFeatures
from ihp_backend.networks.live.kernels import ClickKernels, Kernel, look_at
from ihp_backend.networks.live.planes import LabelPlanes
from ihp_backend.networks.pretrained import IMAGENET_DEVIATION, IMAGENET_MEAN

COARSE: Final = (Kernel(0.0, 3.0), Kernel(0.0, 24.0), Kernel(8.0, 40.0), Kernel(12.0, 1e3))
"""The kernels at stride 8: touched, near, alike and near, alike."""

FINE: Final = (Kernel(0.0, 3.0, ("strength", "against")), Kernel(10.0, 40.0, ("strength", "share")))
"""The kernels at stride 4: touched, alike and near."""

COLOURED_COARSE: Final = (Kernel(0.0, 30.0, colour=100.0), Kernel(0.0, 1e3, ("strength", "share"), 150.0))
"""Further ones at stride 8: of like colour and near, of like colour."""

COLOURED_FINE: Final = (Kernel(0.0, 24.0, ("strength", "share"), 100.0),)
"""A further one at stride 4: of like colour and near."""


class LiveNetwork(nn.Module):
    """Encoder, click kernels and label decoder.

    Args:
        num_labels: labels the network learns by name, the background's included.
        encoder, encoder_weights, mean, deviation: see ``WidenedDeepLab``.
        width: channels of the features from which everything is read.
        embedding: channels of the embedding.
        widths: channels of the decoder at strides 4, 8 and 16.
        similarity, finest: for comparison, see ``ClickKernels`` and ``LabelDecoder``.
        colour: whether there are kernels in which like colours are near; weights from before there were any still fit.
        prior_context: whether the prior sees ``PriorContext``; weights without one still fit, too.

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
        widths: tuple[int, int, int] = (16, 32, 64),
        similarity: bool = True,
        finest: Literal[4, 8] = 4,
        colour: bool = False,
        prior_context: bool = False,
    ) -> None:
        super().__init__()
        self.num_labels = num_labels
        self.network = FeatureNetwork(
            num_labels, encoder, encoder_weights, mean, deviation, width, embedding, widths, prior_context
        )
        fine, coarse = (FINE + COLOURED_FINE, COARSE + COLOURED_COARSE) if colour else (FINE, COARSE)
        self.fine = LabelPlanes(fine, STRIDE, constants=False, similarity=similarity)
        self.coarse = LabelPlanes(coarse, STRIDE * SPLIT, constants=True, similarity=similarity)
        self.decoder = LabelDecoder(self.fine.count, self.coarse.count, widths, finest)
        self.register_load_state_dict_pre_hook(grow)

    def encode(self, image: Tensor) -> LiveFeatures:
        """Features of a photograph: everything that does not depend on clicks.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255; height and width multiples of ``multiple_of``.
        """
        features: LiveFeatures = self.network(image)
        return features

    def decode(self, features: LiveFeatures, inputs: DecoderInputs, looks: Tensor | None = None) -> Tensor:
        """Logits of all labels at stride 4, float (N, L, H/4, W/4).

        Args:
            features: from ``encode``.
            inputs: clicks and labels.
            looks: float (N, n, D + 3), see ``Sight.look``, of the clicks; None: that of the cells in which they lie.
        """
        clicks = look_at(features.fine.look, inputs.clicked.places, STRIDE) if looks is None else looks
        fine, coarse = self.fine(features.fine, clicks, inputs), self.coarse(features.coarse, clicks, inputs)
        labels = inputs.present.shape[1]
        logits = self.decoder(fine.flatten(0, 1), coarse.flatten(0, 1), features.context, labels)
        return logits[:, 0].unflatten(0, (-1, labels)).masked_fill(~inputs.present[..., None, None], ABSENT_LOGIT)

    def answer(
        self, features: LiveFeatures, inputs: DecoderInputs, step: int = 1, phase: tuple[int, int] = (0, 0)
    ) -> Tensor:
        """Logits of all labels at every ``step``-th pixel from ``phase`` on, float (N, L, H/step, W/step)."""
        return upsampled(self.decode(features, inputs), features.mixture, step, phase)

    def forward(self, image: Tensor, click_maps: Tensor) -> Tensor:
        """Logits of all pixels, float (N, num_labels, H, W), for the labels that the network knows.

        Args:
            image: uint8 or float (N, 3, H, W), RGB in 0..255.
            click_maps: uint8 (N, num_labels, H, W), localization maps.
        """
        features = self.encode(image)
        images, labels = click_maps.shape[:2]
        known = torch.eye(labels, device=image.device, dtype=features.fine.prior.dtype).expand(images, -1, -1)
        present = known.new_ones(images, labels, dtype=torch.bool)
        nothing = torch.zeros_like(features.fine.prior)
        return self.answer(features, DecoderInputs(clicked_in(click_maps), known, nothing, present))


ENTRANCES: Final = {"fine": "enter_four", "coarse": "enter_eight"}
"""Where the planes of each stride enter the decoder."""


def grow(network: nn.Module, weights: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Adds to ``weights`` in place what they lack of the coloured kernels and of the prior's context; called whenever
    weights are loaded.

    These start as in a new network and nothing listens to them yet, so the grown network answers as the one before did,
    and a training need not start anew.

    Args:
        network: the live network that they are loaded into.
        weights: of the network, under names that start with ``prefix``.
        prefix: where the network lies in what is loaded.
    """
    assert isinstance(network.network, FeatureNetwork)
    context, name = network.network.prior_context, f"{prefix}network.prior_context."
    if context is not None and not any(key.startswith(name) for key in weights):
        weights |= {name + key: value.detach().clone() for key, value in context.state_dict().items()}
        heard = weights[classify := f"{prefix}network.classify.weight"]
        weights[classify] = torch.cat([heard, torch.zeros_like(heard)], 1)
    for stride, entrance in ENTRANCES.items():
        kernels, name = network.get_submodule(f"{stride}.kernels"), f"{prefix}{stride}.kernels."
        assert isinstance(kernels, ClickKernels)
        if kernels.log_colour is not None and f"{name}sharpness" in weights and f"{name}log_colour" not in weights:
            _grow_stride(kernels, weights, name, f"{prefix}decoder.{entrance}.weight")


def _grow_stride(kernels: ClickKernels, weights: dict[str, Tensor], name: str, entrance: str) -> None:
    assert kernels.log_colour is not None
    known = len(weights[f"{name}sharpness"])
    for part in ("sharpness", "log_reach"):
        fresh = getattr(kernels, part).detach()[known:]
        weights[name + part] = torch.cat([weights[name + part], fresh.to(weights[name + part])])
    weights[f"{name}log_colour"] = kernels.log_colour.detach().clone()
    heard = weights[entrance]
    before = sum(map(len, kernels.kinds[:known]))
    deaf = heard.new_zeros(len(heard), kernels.planes - before, *heard.shape[2:])
    weights[entrance] = torch.cat([heard[:, :before], deaf, heard[:, before:]], 1)
