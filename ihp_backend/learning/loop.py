"""The loop in which a live network learns: it answers, simulated annotators correct it, it answers again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ihp_backend.learning.live_samples import Grid, Samples
from ihp_backend.losses import NormalisedFocalLoss, SoftJaccard
from ihp_backend.networks.live import Evidence

Answer = Callable[[Evidence, Grid], Tensor]
"""Logits float (N, L, H / step, W / step) of a grid's pixels."""


class Loop:
    """Rounds of answers and corrections, each with its loss.

    Args:
        rounds: answers; before each but the first the annotators correct the last one.
        corrections_limit: largest number of corrections in a round.
        forgetting: share of samples that are not shown the last answer.
        jaccard_weight: factor of ``SoftJaccard`` beside the normalised focal loss.
    """

    def __init__(self, rounds: int, corrections_limit: int, forgetting: float, jaccard_weight: float) -> None:
        self.rounds, self.corrections_limit, self.forgetting = rounds, corrections_limit, forgetting
        self.focal, self.jaccard, self.jaccard_weight = NormalisedFocalLoss(), SoftJaccard(), jaccard_weight

    def losses(
        self,
        answer: Answer,
        samples: Samples,
        draw_grid: Callable[[np.random.Generator], Grid],
        rng: np.random.Generator,
    ) -> tuple[Tensor, list[Tensor]]:
        """The mean loss of all rounds, and the focal loss of each.

        Args:
            answer: the network's, for the photographs of the samples.
            samples: get the corrections.
            draw_grid: of a round.
            rng: of the annotators.
        """
        totals, focals = [], []
        for round_ in range(self.rounds):
            grid = draw_grid(rng)
            evidence = samples.evidence()
            logits = answer(evidence, grid)
            target, maps = grid.of(samples.target(evidence.present)), grid.of(samples.maps)
            focals.append(self.focal(logits, target, maps))
            totals.append(focals[-1] + self.jaccard_weight * self.jaccard(logits, target, maps))
            if round_ + 1 < self.rounds:
                found = logits.detach().argmax(1).to(torch.uint8)
                samples.correct(found, grid, rng, self.corrections_limit, self.forgetting)
        return torch.stack(totals).mean(), focals
