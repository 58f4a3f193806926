"""Recipes: how a network is fine-tuned, and how a whole fine-tuning job is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ihp_backend.finetuning.gate import RULES, GateRules
from ihp_backend.learning.hyperparameters import require, require_positive

Device = Literal["cpu", "cuda"]
"""Where networks learn."""

LEAST_CHOOSING = 6
"""Photographs that it takes to choose how far to go; with fewer ones only a clear gain is sure."""


@dataclass(frozen=True)
class FineTuningRecipe:
    """Recipe of a fine-tuning.

    Attributes:
        steps, least_steps: of the optimiser, at most and at least.
        visits: how often each photograph is looked at, as far as ``steps`` allows.
        batch: photographs per step.
        view: height and width in pixels of what is looked at of a photograph, multiples of 16.
        learning_rate: largest one.
        keeping_weight: factor of the loss that keeps what was known.
        save_every: steps between checkpoints.
        whole: whether the encoder learns too, as is quick enough on a GPU.
        encoder_share: its learning rate is that much of the others'.
        seed: of everything random.

    Raises:
        ValueError: a rate that is not above 0, a factor below 0, or NaN.
    """

    steps: int = 400
    least_steps: int = 80
    visits: int = 16
    batch: int = 4
    view: tuple[int, int] = (320, 192)
    learning_rate: float = 3e-4
    keeping_weight: float = 0.4
    save_every: int = 50
    whole: bool = False
    encoder_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive("fine_tuning", learning_rate=self.learning_rate, encoder_share=self.encoder_share)
        require("fine_tuning", keeping_weight=(self.keeping_weight, 0))


RECIPE = FineTuningRecipe()
"""As fine-tuning jobs are run."""


@dataclass(frozen=True)
class JobRecipe:
    """Recipe of a fine-tuning job.

    Attributes:
        fine_tuning: how the network learns.
        gate: what lets a candidate through.
        least_choosing: photographs that it takes to choose how far to go, see ``choose_interpolation``.
        base_model: that serves projects without a version of their own; None: the packaged default.
        force: promote whatever the gate says.
        threads: of the processor.
        device: where networks learn.
    """

    fine_tuning: FineTuningRecipe = RECIPE
    gate: GateRules = RULES
    least_choosing: int = LEAST_CHOOSING
    base_model: str | None = None
    force: bool = False
    threads: int = 1
    device: Device = "cpu"
