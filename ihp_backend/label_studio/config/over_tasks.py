"""A labelling config over all tasks of a project: the labels that each of them brings, together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.problems import RequestError


def over_tasks(config: LabellingConfig, tasks: Iterable[Any], known: Sequence[str] = ()) -> LabellingConfig:
    """The config with the labels of all tasks; itself where they do not come from tasks.

    Args:
        config: of the project.
        tasks: the data of each; one that the config cannot be read for brings nothing.
        known: labels as they were ordered before. They keep their order, and new ones follow.
    """
    if not config.from_task:
        return config
    labels, colours = dict.fromkeys(config.labels), dict(config.colours)
    for data in tasks:
        try:
            of_task = config.of_task(data)
        except RequestError:
            continue
        labels |= dict.fromkeys(of_task.labels)
        colours = {**of_task.colours, **colours}
    ordered = [*(name for name in known if name in labels), *(name for name in labels if name not in known)]
    return replace(config, labels=tuple(ordered), colours=colours)
