"""Trains the prior of a live network, and nothing else of it: what answers clicks stays as it is."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from ihp_backend.labels import IGNORE
from ihp_backend.learning.automatic_data import Item
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.live_samples import CELLS
from ihp_backend.learning.optimisers import OPTIMISER, OptimiserRecipe
from ihp_backend.learning.parsing_training import ParsingTraining
from ihp_backend.losses import LovaszSoftmax
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.weights import load_network_weights


class PriorTraining(ParsingTraining):
    """The prior's context and its last layer, on features that do not change; judged by the most likely labels.

    Args:
        network: with ``prior_context``.
        start: ``model.safetensors`` of the live network whose prior is trained, with or without a context.
        label_smoothing: share of the truth that all labels have in equal parts; a prior that is sure of everything
            is of no use to the decoder.
        lovasz_weight: factor of Lovász-softmax beside the cross-entropy.
        optimiser: how weights are changed.
        seed: of all that is random inside the network.

    Raises:
        ValueError: the network has no context.
    """

    network: LiveNetwork

    def __init__(
        self,
        network: LiveNetwork,
        start: Path,
        label_smoothing: float = 0.05,
        lovasz_weight: float = 1.0,
        optimiser: OptimiserRecipe = OPTIMISER,
        seed: int = 0,
    ) -> None:
        network.to(memory_format=torch.channels_last)
        super().__init__(network, None, optimiser, seed, network.num_labels)
        require("model", label_smoothing=(label_smoothing, 0, 1), lovasz_weight=(lovasz_weight, 0))
        features = network.network
        if features.prior_context is None:
            raise ValueError("model.network.prior_context: false given, which leaves nothing to train; give true")
        load_network_weights(network, start)
        # A tuple, so that the weights have one name only.
        self.learning: tuple[nn.Module, ...] = (features.prior_context, features.classify)
        network.requires_grad_(False)
        for module in self.learning:
            module.requires_grad_(True)
        self.label_smoothing, self.lovasz_weight, self.lovasz = label_smoothing, lovasz_weight, LovaszSoftmax()
        self.train()

    def train(self, mode: bool = True) -> PriorTraining:
        """The batch norm of what does not learn stays as it serves."""
        super().train(mode)
        self.network.eval()
        for module in self.learning:
            module.train(mode)
        return self

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """Cross-entropy and Lovász-softmax in the network's cells."""
        image, parsing = batch
        logits = self._logits(image.contiguous(memory_format=torch.channels_last))
        cells = CELLS.of(parsing).long()
        # The mean over no cell at all would not be a number.
        none = bool((cells == IGNORE).all())
        plain = logits.sum() * 0 if none else cross_entropy(
            logits, cells, ignore_index=IGNORE, label_smoothing=self.label_smoothing
        )  # fmt: skip
        lovasz = self.lovasz(logits, cells)
        self.log_dict({"cross_entropy": plain, "lovasz": lovasz})
        loss = plain + self.lovasz_weight * lovasz
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: Item, batch_index: int) -> Tensor:
        """Counts pixels; gives the logits."""
        image, parsing = batch
        logits = interpolate(self._logits(image), size=parsing.shape[1:], mode="bilinear", align_corners=False)
        self.count(parsing, logits)
        return logits

    def _logits(self, image: Tensor) -> Tensor:
        """Of the prior, float (N, num_labels, H/4, W/4)."""
        features = self.network.network
        return features.prior_logits(features.backbone(image)).float()
