"""Optimisers and learning-rate schedules by name, so that a recipe is a few lines of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import nn


@dataclass(frozen=True)
class OptimiserRecipe:
    """How weights are changed.

    Attributes:
        kind: "adamw", or "sgd" with momentum as in the papers.
        learning_rate: largest one, for all but the encoder.
        encoder_learning_rate: the same for the pretrained encoder; None: as the rest.
        weight_decay: per step, relative to the weight (adamw) or as part of the gradient (sgd).
        momentum: of sgd.
        schedule: "one-cycle" warms up and anneals (Smith 2018); "poly" falls as (1 - step / steps) ** 0.9.
    """

    kind: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    encoder_learning_rate: float | None = 5e-4
    weight_decay: float = 1e-2
    momentum: float = 0.9
    schedule: Literal["one-cycle", "poly"] = "one-cycle"

    def build(self, network: nn.Module, steps: int) -> OptimizerLRSchedulerConfig:
        """The optimiser of a network's weights and its schedule over ``steps`` steps, as Lightning takes them.

        Args:
            network: its pretrained encoder is ``network.network.encoder``.
        """
        encoder = list(network.network.encoder.parameters())  # type: ignore[union-attr]
        inside = {id(parameter) for parameter in encoder}
        rest = [parameter for parameter in network.parameters() if id(parameter) not in inside]
        rates = [self.encoder_learning_rate or self.learning_rate, self.learning_rate]
        groups = [{"params": group, "lr": rate} for group, rate in zip((encoder, rest), rates, strict=True)]
        optimiser: torch.optim.Optimizer
        if self.kind == "adamw":
            optimiser = torch.optim.AdamW(groups, weight_decay=self.weight_decay)
        else:
            optimiser = torch.optim.SGD(groups, momentum=self.momentum, weight_decay=self.weight_decay)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if self.schedule == "one-cycle":
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=rates, total_steps=steps, pct_start=0.06)
        else:
            schedule = torch.optim.lr_scheduler.PolynomialLR(optimiser, total_iters=steps, power=0.9)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


OPTIMISER = OptimiserRecipe()
"""What trainings use that do not say otherwise."""
