"""How lessons are held."""

from __future__ import annotations

from dataclasses import dataclass

from ihp_backend.learning.choosing import LEAST
from ihp_backend.learning.fine_tuning_recipe import RECIPE, Device, FineTuningRecipe
from ihp_backend.retraining.gate import RULES, GateRules


@dataclass(frozen=True)
class LessonRecipe:
    """How lessons are held.

    Attributes:
        fine_tuning: how the network learns.
        gate: what lets a candidate through.
        least_choosing: photographs that it takes to choose how far to go, see ``choose_share``.
        base_model: that serves projects without a version of their own; None: the packaged default.
        force: promote whatever the gate says.
        threads: of the processor.
        device: where networks learn.
    """

    fine_tuning: FineTuningRecipe = RECIPE
    gate: GateRules = RULES
    least_choosing: int = LEAST
    base_model: str | None = None
    force: bool = False
    threads: int = 1
    device: Device = "cpu"
