"""How a network is fine-tuned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ihp_backend.learning.settings import require, require_positive

Device = Literal["cpu", "cuda"]
"""Where networks learn."""


@dataclass(frozen=True)
class FineTuningRecipe:
    """How a network is fine-tuned.

    Attributes:
        steps, least_steps: of the optimiser, at most and at least.
        visits: how often each photograph is looked at, as far as ``steps`` allows.
        batch: photographs per step.
        view: height and width in pixels of what is looked at of a photograph, multiples of 16.
        learning_rate: largest one.
        prior_weight: factor of the cross-entropy of the prior.
        keeping_weight: factor of the loss that keeps what was known.
        semantic_perceiving_weight: factor of the SP-loss on the embedding.
        loss_step: the losses on the parsing look at every n-th pixel in both directions, at a random phase.
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
    prior_weight: float = 0.4
    keeping_weight: float = 0.4
    semantic_perceiving_weight: float = 0.5
    loss_step: int = 2
    save_every: int = 50
    whole: bool = False
    encoder_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        require_positive("fine_tuning", learning_rate=self.learning_rate, encoder_share=self.encoder_share)
        require("fine_tuning", prior_weight=(self.prior_weight, 0), keeping_weight=(self.keeping_weight, 0))
        require("fine_tuning", semantic_perceiving_weight=(self.semantic_perceiving_weight, 0))


RECIPE = FineTuningRecipe()
"""As lessons are held."""
