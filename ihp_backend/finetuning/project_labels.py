"""The labelling config of accepted work: where labels, images and brushes come from tasks, each has its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.label_studio.annotations.accepted_annotation import AcceptedError
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.over_tasks import over_tasks
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.labels import LabelSet


def project_labels(config: LabellingConfig, annotations: Iterable[Annotation], before: LabelSet | None) -> LabelSet:
    """The labels of a project: those of its config, or together those that its annotated tasks bring.

    Args:
        config: of the project.
        annotations: that stand, task by task.
        before: the project's labels until now, whose order stays.

    Raises:
        AcceptedError: more labels than a label map can hold.
    """
    known = before.names if before and config.from_task else ()
    together = over_tasks(config, (_content(annotation).get("data") for annotation in annotations), known)
    try:
        return together.label_set()
    except ValueError as error:
        raise AcceptedError(f"label_config: {len(together.labels)} labels in all tasks together: {error}") from None


def task_config(config: LabellingConfig, annotation: Annotation) -> LabellingConfig:
    """The config for the task of an annotation.

    Raises:
        AcceptedError: it leaves no images or no masks.
    """
    try:
        own = config.of_task(_content(annotation).get("data")) if config.from_task else config
    except RequestError as error:
        raise AcceptedError(f"task {annotation.task}: {error}") from None
    if own.unusable is not None:
        raise AcceptedError(f"task {annotation.task}: {RequestError(own.unusable)}; see Settings, Labeling Interface")
    return own


def ids_in(config: LabellingConfig, labels: LabelSet) -> tuple[str, ...]:
    """The ids of a task's labels among those of its project: if they differ, so does the label map."""
    return tuple(f"{labels.id_of(name)} {name}" for name in config.labels) if config.from_task else ()


def images_drawn_on(annotations: Sequence[Annotation]) -> set[str]:
    """The image tags on which there are masks."""
    drawn = (mask_regions(objects(_content(annotation).get("result"))) for annotation in annotations)
    return {region.to_name for regions in drawn for region in regions if region.to_name is not None}


def _content(annotation: Annotation) -> dict[str, Any]:
    return as_object(json.loads(annotation.content))
