"""Between a labelling config's words and the parser's: asking, and where the answer goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.config.config_tags import ImageTag, MaskTarget
from ihp_backend.label_studio.config.labelling_config import LabellingConfig, parse_labelling_config
from ihp_backend.label_studio.config.tag_table import mask_tags_to_name
from ihp_backend.label_studio.config.translation import Translation
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.parsing.last_answer import LastAnswer
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.scene import Parse, Scene


def usable_config(text: str | None) -> LabellingConfig:
    """A labelling config with which tasks can be answered.

    Raises:
        RequestError: it is none, or has no images or no masks.
    """
    return _usable(parse_labelling_config(text))


def config_of_task(text: str | None, task: Mapping[str, Any]) -> LabellingConfig:
    """The labelling config as it is for one task; what the task lacks of it is in its ``problems``.

    Args:
        text: the labelling config.
        task: as it was sent.

    Raises:
        RequestError: the config is none, or leaves no images or no masks for this task.
    """
    return _usable(usable_config(text).of_task(task.get("data")))


def _usable(config: LabellingConfig) -> LabellingConfig:
    if config.unusable is not None:
        raise RequestError(config.unusable)
    return config


def ask(
    parser: Parser,
    translation: Translation,
    scene: Scene,
    clicks: Sequence[Click],
    previous: NDArray[np.uint8] | None = None,
    last: LastAnswer | None = None,
) -> tuple[NDArray[np.uint8], dict[int, float], Parse]:
    """A parsing in the config's ids, the confidence of each, 0..1, and the parsing as the model gave it.

    Args:
        parser: the model.
        translation: between its labels and the config's.
        scene: the photograph.
        clicks: with ``translation.spoken_ids``.
        previous: the parsing so far in the config's ids, 255 where there is none; only for models that answer any
            labels.
        last: the last answer, for the same models.
    """
    if translation.any_labels:
        parser = parser.with_labels(translation.labels, translation.mapping.ids)
    parse = parser.parse(scene, clicks, previous, last)
    scores = {
        translation.labels.id_of(name): float(np.clip(np.nan_to_num(parse.confidence[spoken]), 0, 1))
        for name, spoken in translation.spoken_ids.items()
    }
    return translation.from_spoken(parse.label_map), scores, parse


def mask_targets(
    names: Sequence[str], config: LabellingConfig, translation: Translation, image: ImageTag
) -> tuple[dict[int, MaskTarget], list[Problem]]:
    """Mask targets of the named labels, by the config's ids, and a problem for each label without one."""
    targets: dict[int, MaskTarget] = {}
    problems: list[Problem] = []
    for name in names:
        target = config.mask_target(name, image.name)
        if target is None:
            remedy = f"add this label to the {mask_tags_to_name()} of the image"
            problems.append(problem("label_config", name, remedy))
        else:
            targets[translation.labels.id_of(name)] = target
    return targets, problems
