"""Translation: between the labels of a labelling config and those of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.labels import IGNORE, LabelMapping, LabelSet, map_labels


@dataclass(frozen=True)
class Translation:
    """Translation of a labelling config's labels to those of the model.

    Attributes:
        labels: the config's labels, background first.
        mapping: which of the model's labels become which of the config's.
        from_model: uint8 (256,), model id -> config id.
        spoken_ids: config label -> the id under which the parser is asked for it, for the labels it can answer; of
            several labels of the model the first.
        any_labels: whether the model answers labels that it lacks, too; it then speaks the config's ids.
    """

    labels: LabelSet
    mapping: LabelMapping
    from_model: NDArray[np.uint8]
    spoken_ids: Mapping[str, int]
    any_labels: bool

    def from_spoken(self, label_map: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A label map of the parser in the config's ids."""
        return label_map if self.any_labels else self.from_model[label_map]

    def told(self, known: LabelSet) -> dict[str, object]:
        """The mapping in names, fit for JSON: what ``/setup``, ``/status`` and ``ihp labels`` say.

        Args:
            known: the model's labels.
        """
        mapping = self.mapping
        return {
            "summary": mapping.describe(known),
            "matched": {name: [known.names[model_id] for model_id in ids] for name, ids in mapping.ids.items()},
            "origins": dict(mapping.origins),
            "unmatched": dict(mapping.unknown),
            "unused": [known.names[model_id] for model_id in mapping.background],
            "not_found": {name: list(missing) for name, missing in mapping.not_found.items()},
            "any_labels": self.any_labels,
        }

    def problems(self, known: LabelSet) -> Iterator[Problem]:
        """What ``predicted_values`` name and the model does not have."""
        for name, missing in self.mapping.not_found.items():
            remedy = f"correct predicted_values of the label {name!r}; the model knows {', '.join(known.names)}"
            yield problem("label_config", ", ".join(missing), remedy)

    def lacking(self, names: tuple[str, ...], known: LabelSet) -> Problem | None:
        """The problem to report if the model lacks some of ``names``."""
        missing = [name for name in names if name not in self.spoken_ids]
        if not missing:
            return None
        reasons = "; ".join(f"{name}: {self.mapping.unknown.get(name, 'not in the config')}" for name in missing)
        remedy = (
            f"rename them in the labelling config or use another model ({reasons}); it knows {', '.join(known.names)}"
        )
        return problem("label_config", ", ".join(missing), remedy)


def translate(config: LabellingConfig, known: LabelSet, *, any_labels: bool = False) -> Translation:
    """Maps the model's labels to a config's, see ``map_labels``.

    Args:
        config: the labelling config.
        known: the model's labels.
        any_labels: whether the model answers labels that it lacks, too.

    Raises:
        RequestError: more labels than a label map can hold.
    """
    try:
        labels = config.label_set()
    except ValueError:
        remedy = f"a label map has room for {IGNORE - 1} besides the background: remove some, or make two projects"
        raise RequestError(problem("label_config", f"{len(config.labels)} labels", remedy)) from None
    alias_of = {value: alias for alias, value in config.aliases.items() if alias != value}
    mapping = map_labels(labels.names, known, config.predicted_values, alias_of)
    from_model = np.zeros(256, dtype=np.uint8)
    for name, model_ids in reversed(list(mapping.ids.items())):
        from_model[list(model_ids)] = labels.id_of(name)
    first = {name: model_ids[0] for name, model_ids in mapping.ids.items()}
    return Translation(
        labels=labels,
        mapping=mapping,
        from_model=from_model,
        spoken_ids={name: labels.id_of(name) for name in labels.names} if any_labels else first,
        any_labels=any_labels,
    )
