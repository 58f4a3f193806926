"""Live recipe: losses, loop and samples of a live network, the same in training and in fine-tuning.

``training.export`` writes the recipe of a training into ``model.json``, and a fine-tuning of that model takes it from
there, so that a network trained otherwise is tuned otherwise, too. Losses are plain data: a class name and arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from torch import nn

from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.sub_parts import SubPartRecipe
from ihp_backend.learning.task_sampling import TaskSampling
from ihp_backend.learning.weighted_loss import (
    ANSWER_LOSSES,
    EMBEDDING_LOSSES,
    EMBEDDING_WEIGHT,
    JACCARD_WEIGHT,
    REMEDY,
    WeightedLoss,
    answer_losses,
    embedding_loss,
)
from ihp_backend.losses import SemanticPerceivingLoss

BOUNDS: Final[dict[str, tuple[float] | tuple[float, float]]] = {
    "prior_weight": (0,),
    "loss_step": (1, 4),
    "rounds": (1,),
    "corrections_limit": (1,),
    "forgetting": (0, 1),
}
"""The smallest value of each number of a recipe and, where there is one, the largest."""


def require_in_bounds(section: str, /, **numbers: float) -> None:
    """Refuses numbers of a recipe that cannot be.

    Args:
        section: where they stand in what the user wrote.
        numbers: by their names in ``LiveRecipe``.

    Raises:
        ValueError: names the number, its value and what it may be.
    """
    require(section, **{name: (value, *BOUNDS[name]) for name, value in numbers.items()})


@dataclass(frozen=True)
class LiveRecipe:
    """Recipe by which a live network learns.

    Attributes:
        answer_losses: of every answer; the first is logged by round.
        embedding_loss: on the embedding, or None.
        prior_weight: factor of the loss of the prior.
        loss_step: the losses on answers look at every n-th pixel in both directions, at a random phase.
        rounds: answers of a step; before each but the first the annotators correct the last one.
        corrections_limit: largest number of corrections in a round.
        forgetting: share of samples that are not shown the last answer.
        task_sampling: which labels a sample has, and what is known of them.
        clicks: the annotators' first clicks.
        sub_parts: how pieces of labels become labels of their own.

    Raises:
        ValueError: a number that cannot be, or a loss that is unknown.
    """

    answer_losses: tuple[WeightedLoss, ...] = field(default_factory=answer_losses)
    embedding_loss: WeightedLoss | None = field(default_factory=embedding_loss)
    prior_weight: float = 0.4
    loss_step: int = 2
    rounds: int = 2
    corrections_limit: int = 6
    forgetting: float = 0.3
    task_sampling: TaskSampling = field(default_factory=TaskSampling)
    clicks: ClickRecipe = field(default_factory=ClickRecipe)
    sub_parts: SubPartRecipe = field(default_factory=SubPartRecipe)

    def __post_init__(self) -> None:
        require_in_bounds("recipe", **{name: getattr(self, name) for name in BOUNDS})
        if not self.answer_losses:
            raise ValueError("recipe.answer_losses: none given; give one at least")
        self.build_answer_losses()
        self.build_embedding_loss()

    def build_answer_losses(self) -> list[nn.Module]:
        """The losses on answers, in order."""
        return [loss.build(ANSWER_LOSSES, "recipe.answer_losses") for loss in self.answer_losses]

    def build_embedding_loss(self) -> SemanticPerceivingLoss | None:
        """The loss on the embedding, if there is one."""
        loss = self.embedding_loss
        return None if loss is None else loss.build(EMBEDDING_LOSSES, "recipe.embedding_loss")

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain data, for ``model.json``."""
        loss = self.embedding_loss
        return {
            **asdict(self),
            "answer_losses": [one.to_dict() for one in self.answer_losses],
            "embedding_loss": None if loss is None else loss.to_dict(),
        }

    @classmethod
    def from_dict(cls, described: Mapping[str, Any] | None) -> LiveRecipe:
        """Reads what ``to_dict`` gave; None, of models that say nothing of it, means the recipe of the packaged ones.

        Raises:
            ValueError: names what is unknown, missing or no number.
        """
        if described is None:
            return cls()
        made: dict[str, Any] = {**_known(described, cls, "recipe")}
        if "answer_losses" in made:
            given = made["answer_losses"]
            if not isinstance(given, list):
                raise ValueError(f"recipe.answer_losses: {given!r} is no list; {REMEDY}")
            made["answer_losses"] = tuple(WeightedLoss.from_dict(one, "recipe.answer_losses") for one in given)
        if made.get("embedding_loss") is not None:
            made["embedding_loss"] = WeightedLoss.from_dict(made["embedding_loss"], "recipe.embedding_loss")
        for name, kind in (("task_sampling", TaskSampling), ("clicks", ClickRecipe), ("sub_parts", SubPartRecipe)):
            if name in made:
                made[name] = kind(**_known(made[name], kind, f"recipe.{name}"))
        try:
            return cls(**made)
        except TypeError as error:  # A text or nothing in the place of a number.
            raise ValueError(f"recipe: {error}; {REMEDY}") from None

    @classmethod
    def of_training(cls, model: Mapping[str, Any], data: Mapping[str, Any]) -> LiveRecipe:
        """The recipe of a training by its configuration.

        Args:
            model, data: the sections of ``config.yaml``, with the settings of ``LiveTraining`` and ``LiveData``.

        Raises:
            ValueError: see ``from_dict``.
        """
        own = {"prior_weight", "loss_step", "rounds", "corrections_limit", "forgetting", "task_sampling"}
        described = {name: model[name] for name in own & model.keys()}
        described |= {name: data[name] for name in ("clicks", "sub_parts") if name in data}
        losses = answer_losses(model.get("jaccard_weight", JACCARD_WEIGHT))
        perceiving = model.get("semantic_perceiving")
        if isinstance(perceiving, str):
            perceiving = {"class_path": perceiving}
        embedding_loss = None
        if perceiving is not None:
            embedding_loss = {
                "class": perceiving["class_path"].rpartition(".")[2],
                "arguments": perceiving.get("init_args") or {},
                "weight": model.get("semantic_perceiving_weight", EMBEDDING_WEIGHT),
            }
        answers = [loss.to_dict() for loss in losses]
        return cls.from_dict({**described, "answer_losses": answers, "embedding_loss": embedding_loss})


def _known(described: Any, kind: type, field: str) -> dict[str, Any]:
    """The settings of a recipe, of which none is unknown."""
    if not isinstance(described, Mapping):
        raise ValueError(f"{field}: {described!r} has no settings by name; {REMEDY}")
    names = {one.name for one in fields(kind)}
    if unknown := sorted(described.keys() - names):
        raise ValueError(f"{field}: {unknown[0]!r} is unknown; known are {', '.join(sorted(names))}; {REMEDY}")
    return dict(described)


LIVE_RECIPE = LiveRecipe()
"""That of the packaged live model, and of all models that say nothing of it."""
