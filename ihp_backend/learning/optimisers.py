"""Optimisers and learning-rate schedules by name, so that a recipe is a few lines of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import nn

from ihp_backend.learning.hyperparameters import require, require_positive
from ihp_backend.networks.weights import encoder_of


@dataclass(frozen=True)
class OptimiserRecipe:
    """Recipe of the optimiser and its learning-rate schedule.

    Attributes:
        kind: "adamw", or "sgd" with momentum as in the papers.
        learning_rate: largest one, for all but the encoder.
        encoder_learning_rate: the same for the pretrained encoder; None: as the rest.
        weight_decay: per step, relative to the weight (adamw) or as part of the gradient (sgd).
        momentum: of sgd.
        schedule: "one-cycle" warms up and anneals (Smith 2018); "poly" falls as (1 - step / steps) ** 0.9.

    Raises:
        ValueError: a rate that is not above 0, a weight decay below 0, a momentum outside 0 to 1, or NaN.
    """

    kind: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = 1e-3
    encoder_learning_rate: float | None = 5e-4
    weight_decay: float = 1e-2
    momentum: float = 0.9
    schedule: Literal["one-cycle", "poly"] = "one-cycle"

    def __post_init__(self) -> None:
        require_positive("model.optimiser", learning_rate=self.learning_rate)
        if self.encoder_learning_rate is not None:
            require_positive("model.optimiser", encoder_learning_rate=self.encoder_learning_rate)
        require("model.optimiser", weight_decay=(self.weight_decay, 0), momentum=(self.momentum, 0, 1))

    def build(self, network: nn.Module, steps: int) -> OptimizerLRSchedulerConfig:
        """The optimiser of a network's weights and its schedule over ``steps`` steps, as Lightning takes them.

        Args:
            network: its pretrained encoder, where it has one, is ``network.network.encoder``.
        """
        pretrained = encoder_of(network)
        encoder = [] if pretrained is None else list(pretrained.parameters())
        inside = {id(parameter) for parameter in encoder}
        rest = [parameter for parameter in network.parameters() if id(parameter) not in inside]
        rates = self._rates()
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

    def take_over(self, checkpoint: dict[str, Any], steps: int) -> str:
        """Gives the optimiser in a Lightning checkpoint this recipe's rates and decay, in place; says what changed.

        Left alone, a checkpoint goes on with the rates that it was made with, whatever is given.

        Raises:
            ValueError: it was made with another kind of optimiser, another schedule or another number of steps.
        """
        if not checkpoint.get("optimizer_states") or not checkpoint.get("lr_schedulers"):
            raise ValueError("ckpt_path: the checkpoint holds weights alone; give one with the optimiser's state")
        groups, schedule = checkpoint["optimizer_states"][0]["param_groups"], checkpoint["lr_schedulers"][0]
        for setting, given, kept in (
            ("model.optimiser.kind", self.kind, "adamw" if "betas" in groups[0] else "sgd"),
            ("model.optimiser.schedule", self.schedule, "one-cycle" if "total_steps" in schedule else "poly"),
            ("data.steps", steps, schedule.get("total_steps", schedule.get("total_iters"))),
        ):
            if given != kept:
                raise ValueError(f"{setting}: {given} given, but the checkpoint was made with {kept}; give that again")
        changes = []
        for number, (group, rate) in enumerate(zip(groups, self._rates(), strict=True)):
            before = group.get("max_lr", group["initial_lr"])
            if rate != before:
                # Both schedules are proportional to their largest rate.
                for name in {"lr", "initial_lr", "max_lr", "min_lr"} & group.keys():
                    group[name] *= rate / before
                for name in {"base_lrs", "_last_lr"} & schedule.keys():
                    schedule[name][number] *= rate / before
                changes.append(f"{('encoder_learning_rate', 'learning_rate')[number]} {rate:g} instead of {before:g}")
            if group["weight_decay"] != self.weight_decay:
                changes.append(f"weight_decay {self.weight_decay:g} instead of {group['weight_decay']:g}")
                group["weight_decay"] = self.weight_decay
        return ", ".join(dict.fromkeys(changes))

    def _rates(self) -> list[float]:
        """The largest rates of the encoder and of the rest."""
        encoder = self.learning_rate if self.encoder_learning_rate is None else self.encoder_learning_rate
        return [encoder, self.learning_rate]


OPTIMISER = OptimiserRecipe()
"""What trainings use that do not say otherwise."""
