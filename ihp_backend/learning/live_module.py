"""Trains the live network in the loop: it parses, simulated annotators correct it, it parses again.

A photograph is encoded once per step and decoded in every round, as it will be when it serves; each round has its loss.
Every sample is a sampled task of its own, in which the network knows the names of all labels, of some or of none.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import nll_loss

from ihp_backend.labels import IGNORE
from ihp_backend.learning.click_views import Item
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.live_data import LiveData
from ihp_backend.learning.live_recipe import LIVE_RECIPE, LiveRecipe, require_in_bounds
from ihp_backend.learning.live_samples import CELLS, Samples, clicks_in
from ihp_backend.learning.loop import Loop
from ihp_backend.learning.optimisers import OPTIMISER, OptimiserRecipe
from ihp_backend.learning.parsing_training import ParsingTraining
from ihp_backend.learning.sub_parts import without_pieces
from ihp_backend.learning.task_sampling import TaskSampling
from ihp_backend.learning.weighted_loss import EMBEDDING_WEIGHT, JACCARD_WEIGHT, WeightedLoss, answer_losses
from ihp_backend.losses import SemanticPerceivingLoss, inverse_log_weights
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.weights import load_network_weights


class LiveTraining(ParsingTraining):
    """The live network with its losses, optimiser and validation.

    Args:
        network: what is trained.
        encoder_weights: file with pretrained weights of the network's encoder; None starts it at random.
        start: ``model.safetensors`` of a live network to go on from; None starts anew.
        task_sampling: which labels a sample has, and what is known of them.
        rounds, corrections_limit, forgetting: see ``LiveRecipe``.
        jaccard_weight: factor of ``SoftJaccard`` beside the normalised focal loss.
        prior_weight: factor of the cross-entropy of the prior.
        semantic_perceiving: the SP-loss on the embedding, or None.
        semantic_perceiving_weight: its factor.
        loss_step: the losses on the parsing look at every n-th pixel in both directions, at a random phase.
        optimiser: how weights are changed.
        seed: of all that is random inside a step.
    """

    network: LiveNetwork

    def __init__(
        self,
        network: LiveNetwork,
        encoder_weights: Path | None = None,
        start: Path | None = None,
        task_sampling: TaskSampling = LIVE_RECIPE.task_sampling,
        rounds: int = LIVE_RECIPE.rounds,
        corrections_limit: int = LIVE_RECIPE.corrections_limit,
        forgetting: float = LIVE_RECIPE.forgetting,
        jaccard_weight: float = JACCARD_WEIGHT,
        prior_weight: float = LIVE_RECIPE.prior_weight,
        semantic_perceiving: SemanticPerceivingLoss | None = None,
        semantic_perceiving_weight: float = EMBEDDING_WEIGHT,
        loss_step: int = LIVE_RECIPE.loss_step,
        optimiser: OptimiserRecipe = OPTIMISER,
        seed: int = 0,
    ) -> None:
        # With the channels last, depthwise convolutions take half the time on a processor.
        network.to(memory_format=torch.channels_last)
        super().__init__(network, encoder_weights, optimiser, seed, network.num_labels)
        # The recipe would name itself; whoever trains wrote these under "model".
        require_in_bounds("model", rounds=rounds, corrections_limit=corrections_limit, forgetting=forgetting)
        require_in_bounds("model", prior_weight=prior_weight, loss_step=loss_step)
        require("model", jaccard_weight=(jaccard_weight, 0), semantic_perceiving_weight=(semantic_perceiving_weight, 0))
        if start is not None:
            load_network_weights(network, start)
        perceiving = None
        if semantic_perceiving is not None:
            perceiving = WeightedLoss.of(semantic_perceiving, semantic_perceiving_weight)
        self.recipe = LiveRecipe(
            answer_losses(jaccard_weight),
            perceiving,
            prior_weight,
            loss_step,
            rounds,
            corrections_limit,
            forgetting,
            task_sampling,
        )
        self.loop = Loop(self.recipe)
        self.register_buffer("label_weights", torch.ones(network.num_labels))
        self.label_weights: Tensor

    def setup(self, stage: str) -> None:
        """Completes the recipe by what the data do with it."""
        super().setup(stage)
        if isinstance(self._data, LiveData):
            self.recipe = replace(self.recipe, clicks=self._data.clicks, sub_parts=self._data.sub_parts)

    def on_fit_start(self) -> None:
        """Weighs the labels of the prior by how rare they are in the training split."""
        self.label_weights.copy_(inverse_log_weights(self._data.label_frequency()))

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """The mean loss of all rounds."""
        image, parsing, planes = batch
        image = image.contiguous(memory_format=torch.channels_last)
        rng = np.random.default_rng([*self.step_key(), batch_index])
        samples = Samples.draw(parsing, clicks_in(planes), self.recipe.task_sampling, rng, self.network.num_labels)
        features = self.network.encode(image)
        prior = self._prior_loss(features.fine.prior, CELLS.of(parsing).long())
        losses = self.loop.losses(self.network, features, samples, rng)
        self.log_dict({"prior": prior, **{f"round_{number}": loss for number, loss in enumerate(losses.rounds)}})
        if losses.perceived is not None:
            self.log_dict({"semantic_perceiving": losses.perceived.loss, "active_pairs": losses.perceived.active})
        total = losses.total + self.recipe.prior_weight * prior
        self.log("loss", total, prog_bar=True)
        return total

    def _prior_loss(self, prior: Tensor, cells: Tensor) -> Tensor:
        """Weighted cross-entropy of the prior, 0 where every cell is ignored."""
        wanted = without_pieces(cells, self.network.num_labels)
        losses = nll_loss(
            prior.float().clamp(min=1e-6).log(), wanted, self.label_weights, ignore_index=IGNORE, reduction="sum"
        )
        weights = self.label_weights[wanted[wanted != IGNORE]].sum()
        return losses / weights.where(weights > 0, 1)

    def validation_step(self, batch: Item, batch_index: int) -> Tensor:
        """Counts pixels after the first clicks; gives the logits."""
        image, parsing, maps = batch
        logits: Tensor = self.network(image, maps)
        self.count(parsing, logits)
        return logits
