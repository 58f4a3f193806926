"""Translation: between the labels of a labelling config and those of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.labels import LabelSet, match_labels


@dataclass(frozen=True)
class Translation:
    """Translation of a labelling config's labels to those of the model.

    Attributes:
        labels: the config's labels, background first.
        model_ids: config label -> model id, for the labels the model has.
        unmatched: config labels the model lacks -> why.
        unused: model labels the config does not have; they count as background.
        from_model: uint8 (256,), model id -> config id.
        spoken_ids: config label -> the id under which the parser is asked for it, for the labels it can answer.
        any_labels: whether the model answers labels that it lacks, too; it then speaks the config's ids.
    """

    labels: LabelSet
    model_ids: Mapping[str, int]
    unmatched: Mapping[str, str]
    unused: tuple[str, ...]
    from_model: NDArray[np.uint8]
    spoken_ids: Mapping[str, int]
    any_labels: bool

    def from_spoken(self, label_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A label map of the parser in the config's ids."""
        return label_map if self.any_labels else self.from_model[label_map]

    def lacking(self, names: tuple[str, ...], known: LabelSet) -> Problem | None:
        """The problem to report if the model lacks some of ``names``."""
        missing = [name for name in names if name not in self.spoken_ids]
        if not missing:
            return None
        reasons = "; ".join(f"{name}: {self.unmatched.get(name, 'not in the config')}" for name in missing)
        remedy = (
            f"rename them in the labelling config or use another model ({reasons}); it knows {', '.join(known.names)}"
        )
        return problem("label_config", ", ".join(missing), remedy)


def translate(config: LabellingConfig, known: LabelSet, *, any_labels: bool = False) -> Translation:
    """Match a config's labels to the model's, by value and where that fails by alias.

    Args:
        config: the labelling config.
        known: the model's labels.
        any_labels: whether the model answers labels that it lacks, too.

    Raises:
        RequestError: more labels than a label map can hold.
    """
    try:
        labels = config.label_set()
    except ValueError as error:
        raise RequestError(problem("label_config", f"{len(config.labels)} labels", str(error))) from None
    match = match_labels(labels.names, known)
    ids = dict(match.ids)
    by_alias = match_labels([alias for alias, value in config.aliases.items() if value in match.unmatched], known)
    for alias, model_id in by_alias.ids.items():
        if model_id not in ids.values():
            ids.setdefault(config.aliases[alias], model_id)
    from_model = np.zeros(256, dtype=np.uint8)
    for name, model_id in reversed(ids.items()):
        from_model[model_id] = labels.id_of(name)
    return Translation(
        labels=labels,
        model_ids=ids,
        unmatched={name: match.reasons[name] for name in match.unmatched if name not in ids},
        unused=tuple(name for model_id, name in enumerate(known.names) if model_id not in ids.values()),
        from_model=from_model,
        spoken_ids={name: labels.id_of(name) for name in labels.names} if any_labels else ids,
        any_labels=any_labels,
    )
