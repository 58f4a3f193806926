"""The loop in which a live network learns: it answers, simulated annotators correct it, it answers again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ihp_backend.learning.live_recipe import LiveRecipe
from ihp_backend.learning.live_samples import Grid, Samples
from ihp_backend.losses import SemanticPerceiving
from ihp_backend.networks.live import LiveFeatures, LiveNetwork

SURE = (0.4, 0.9)
"""Probabilities between which the one is drawn from which on an answer is handed over to the next round."""


class LoopLosses(NamedTuple):
    """Losses of a step of the loop.

    Attributes:
        total: of answers and embedding, weighted.
        rounds: the first loss on the answer of each round.
        perceived: the loss on the embedding, without its weight; None where the recipe has none.
    """

    total: Tensor
    rounds: list[Tensor]
    perceived: SemanticPerceiving | None


class Loop:
    """Rounds of answers and corrections, each with its loss.

    Args:
        recipe: losses, rounds, corrections.
    """

    def __init__(self, recipe: LiveRecipe) -> None:
        self.recipe = recipe
        weights = [loss.weight for loss in recipe.answer_losses]
        self.answer_losses = list(zip(recipe.build_answer_losses(), weights, strict=True))
        self.embedding_loss = recipe.build_embedding_loss()

    def losses(
        self, network: LiveNetwork, features: LiveFeatures, samples: Samples, rng: np.random.Generator
    ) -> LoopLosses:
        """The mean loss of all rounds, and that of the embedding.

        Args:
            network: answers.
            features: of the photographs of the samples.
            samples: get the corrections.
            rng: of grids and annotators.
        """
        recipe, totals, firsts = self.recipe, [], []
        for round_ in range(recipe.rounds):
            grid = Grid.draw(recipe.loss_step, rng)
            inputs = samples.inputs()
            logits = network.answer(features, inputs, grid.step, grid.phase)
            target = grid.of(samples.target(inputs.present))
            # None of these losses looks at clicks, for which localization maps would have to be made.
            found = [weight * loss(logits, target, None) for loss, weight in self.answer_losses]
            firsts.append(found[0])
            totals.append(torch.stack(found).sum())
            if round_ + 1 < recipe.rounds:
                likeliest = logits.detach().float().softmax(1).max(1)
                # Probabilities are calibrated when the training is over.
                sure = likeliest.values > rng.uniform(*SURE)
                shown = likeliest.indices.to(torch.uint8)
                samples.correct(shown, sure, grid, rng, recipe.corrections_limit, recipe.forgetting)
        total = torch.stack(totals).mean()
        if self.embedding_loss is None or recipe.embedding_loss is None:
            return LoopLosses(total, firsts, None)
        perceived = self.embedding_loss.at(
            features.fine.embedding, samples.parsing, samples.truly_clicked(), samples.known.shape[1]
        )
        return LoopLosses(total + recipe.embedding_loss.weight * perceived.loss, firsts, perceived)
