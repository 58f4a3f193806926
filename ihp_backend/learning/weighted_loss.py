"""Losses as plain data, for recipes that are kept in files: a class name, arguments and a weight."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import nn

from ihp_backend.learning.hyperparameters import require
from ihp_backend.losses import CrossEntropy, NormalisedFocalLoss, SemanticPerceivingLoss, SoftJaccard

ANSWER_LOSSES: dict[str, type[nn.Module]] = {
    loss.__name__: loss for loss in (NormalisedFocalLoss, SoftJaccard, CrossEntropy)
}
"""Losses on logits, by the name under which recipes know them."""

EMBEDDING_LOSSES: dict[str, type[SemanticPerceivingLoss]] = {SemanticPerceivingLoss.__name__: SemanticPerceivingLoss}
"""Losses on the embedding, likewise."""

_Loss = TypeVar("_Loss", bound=nn.Module)

JACCARD_WEIGHT = 0.5
EMBEDDING_WEIGHT = 0.5
"""Factors of ``SoftJaccard`` and of the loss on the embedding where a training says nothing else."""

REMEDY = "export the model again with this version, or tune it with the version that made it"


@dataclass(frozen=True)
class WeightedLoss:
    """A loss as plain data.

    Attributes:
        name: of its class.
        arguments: of its constructor.
        weight: factor, from 0 on.

    Raises:
        ValueError: a weight below 0, or NaN.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0

    def __post_init__(self) -> None:
        require(f"recipe.{self.name}", weight=(self.weight, 0))

    @classmethod
    def of(cls, loss: nn.Module, weight: float) -> WeightedLoss:
        """The description of a loss, whose attributes have the names of its arguments."""
        names = inspect.signature(type(loss).__init__).parameters.keys() - {"self", "args", "kwargs"}
        return cls(type(loss).__name__, {name: getattr(loss, name) for name in sorted(names)}, weight)

    @classmethod
    def from_dict(cls, described: Any, field: str) -> WeightedLoss:
        """Reads what ``to_dict`` wrote; raises ``ValueError``."""
        if not isinstance(described, Mapping) or not isinstance(described.get("class"), str):
            raise ValueError(f"{field}: {described!r} has no class name; {REMEDY}")
        arguments, weight = described.get("arguments", {}), described.get("weight", 1.0)
        if not isinstance(arguments, Mapping) or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise ValueError(f"{field}: {described!r} needs arguments by name and a weight; {REMEDY}")
        return cls(described["class"], dict(arguments), weight)

    def to_dict(self) -> dict[str, Any]:
        """{"class": name, "arguments": {...}, "weight": number}."""
        return {"class": self.name, "arguments": dict(self.arguments), "weight": self.weight}

    def build(self, known: Mapping[str, type[_Loss]], field: str) -> _Loss:
        """The loss.

        Raises:
            ValueError: its class is unknown, or does not take these arguments.
        """
        if self.name not in known:
            raise ValueError(f"{field}: class {self.name!r} is unknown; known are {', '.join(known)}; {REMEDY}")
        try:
            return known[self.name](**self.arguments)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{field}: {self.name} does not take {dict(self.arguments)} ({error}); {REMEDY}") from None


def answer_losses(jaccard_weight: float = JACCARD_WEIGHT) -> tuple[WeightedLoss, ...]:
    """The losses on every answer."""
    return WeightedLoss.of(NormalisedFocalLoss(), 1.0), WeightedLoss.of(SoftJaccard(), jaccard_weight)


def embedding_loss() -> WeightedLoss:
    """The loss on the embedding of the packaged live model."""
    return WeightedLoss.of(SemanticPerceivingLoss(form="linear", margin=0.5), EMBEDDING_WEIGHT)
