"""What Label Studio's events and lists say about accepted work, in the ledger's words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ihp_backend.label_studio.loose_json import as_object, one_or_more
from ihp_backend.retraining import Annotation, Change, Configured, TasksWithdrawn, TrainingWanted, Withdrawn

CLICKS = "ihp_clicks"
"""Field that the inbox adds to an event: prompts that stood on each of its tasks."""

_MADE = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED")


def project_key(project: Any) -> str:
    """The project's id as text: "4" from "4.1795158401" (predict, setup), from {"id": 4} (webhook) and from 4."""
    if isinstance(project, dict):
        project = project.get("id")
    return "" if project is None else str(project).partition(".")[0][:64]


def annotator_key(value: Any) -> str:
    """The user's id as text, from a number (events) or an object (some lists); "" for none."""
    value = value.get("id") if isinstance(value, dict) else value
    return "" if value is None else str(value)[:64]


def changes(event: Mapping[str, Any]) -> Iterator[Change]:
    """What an event of the inbox changes; nothing for actions that concern no accepted work."""
    action, project = event.get("action"), project_key(event.get("project"))
    if not project:
        return
    config = as_object(event.get("project")).get("label_config")
    if isinstance(config, str) and config.strip():
        yield Configured(project, config)
    annotations = [*one_or_more(event.get("annotation")), *one_or_more(event.get("annotations"))]
    tasks = one_or_more(event.get("task")) + one_or_more(event.get("tasks"))
    if action in _MADE:
        by_id = {task.get("id"): task for task in tasks}
        for annotation in annotations:
            clicks = as_object(event.get(CLICKS)).get(str(annotation.get("task")))
            read = read_annotation(project, annotation, by_id.get(annotation.get("task"), {}), clicks)
            if read is not None:
                yield read
    elif action in ("ANNOTATIONS_DELETED", "ANNOTATION_DELETED"):
        yield Withdrawn(project, tuple(_ids(annotations)))
    elif action == "TASKS_DELETED":
        yield TasksWithdrawn(project, tuple(_ids(tasks)))
    elif action == "START_TRAINING":
        yield TrainingWanted(project)


def listed(project: str, tasks: Iterator[Mapping[str, Any]]) -> list[Annotation]:
    """The annotations in a list of tasks, as the API or an export gives it."""
    found = [
        read_annotation(project, annotation, task)
        for task in tasks
        for annotation in one_or_more(task.get("annotations"))
    ]
    return [annotation for annotation in found if annotation is not None]


def read_annotation(
    project: str, annotation: Mapping[str, Any], task: Mapping[str, Any], clicks: int | None = None
) -> Annotation | None:
    """An annotation as the ledger keeps it; None for one without ids, which Label Studio does not send.

    Args:
        project: the project's id.
        annotation: from an event or a list.
        task: its task, as far as it is known.
        clicks: that were made for it, if that was seen.
    """
    number, task_id = annotation.get("id"), annotation.get("task", task.get("id"))
    if isinstance(task_id, dict):
        task_id = task_id.get("id")
    if not (isinstance(number, int) and isinstance(task_id, int) and _is_id(number) and _is_id(task_id)):
        return None
    content = {
        "result": annotation.get("result"),
        "data": task.get("data"),
        "seconds": annotation.get("lead_time"),
        "model_version": _model_version(annotation),
        "clicks": clicks if isinstance(clicks, int) else None,
    }
    return Annotation(
        project=project,
        id=number,
        task=task_id,
        annotator=annotator_key(annotation.get("completed_by")),
        updated=_seconds(annotation.get("updated_at") or annotation.get("created_at")),
        cancelled=bool(annotation.get("was_cancelled") or annotation.get("skipped")),
        content=json.dumps(content, separators=(",", ":")),
    )


def _ids(items: list[dict[str, Any]]) -> Iterator[int]:
    return (int(item["id"]) for item in items if _is_id(item.get("id")))


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _seconds(value: Any) -> float:
    """Unix seconds of a time stamp; 0 for none, which any other is newer than."""
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return 0.0
    return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()


def _model_version(annotation: Mapping[str, Any]) -> str | None:
    """Of the prediction that the annotation began with, where Label Studio says it."""
    version = as_object(annotation.get("prediction")).get("model_version")
    return version if isinstance(version, str) else None
