"""Annotation events: Label Studio's events and lists, as changes of the annotation store."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, TypeGuard

from ihp_backend.annotation_store.changes import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    TrainingWanted,
    Untold,
    Withdrawn,
)
from ihp_backend.label_studio.loose_json import as_object, one_or_more

CLICKS = "ihp_clicks"
"""Field that is added to an event: prompts that stood on each of its tasks."""

PROJECTS = "ihp_projects"
"""Field that is added to an event without a project: the projects that it may be about."""

_MADE = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_CREATED")
_DELETED = ("ANNOTATIONS_DELETED", "ANNOTATION_DELETED")
_OF_PROJECTS = ("ANNOTATION", "TASKS_", "PROJECT_", "START_TRAINING")
"""How actions begin that are about a project's content."""

_PROJECT = re.compile(r"[0-9]{1,18}")
_LONGEST_ID = 64


def project_key(project: Any) -> str:
    """Id of a project as text: "4" from "4.1795158401" (predict, setup), from {"id": 4} (webhook) and from 4.

    "" for anything that is no number of a project: it names folders and files.
    """
    if isinstance(project, dict):
        project = project.get("id")
    key = str(project).partition(".")[0] if isinstance(project, int | float | str) else ""
    return key if _PROJECT.fullmatch(key) else ""


def id_key(value: Any) -> str:
    """The id of a task or a user as text, from a number or a text, or an object that has it; "" for none."""
    value = value.get("id") if isinstance(value, dict) else value
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    return str(value) if len(str(value)) <= _LONGEST_ID else ""


def changes(event: Mapping[str, Any]) -> Iterator[Change]:
    """Changes that an event brings; none for actions that concern no accepted work."""
    action, project = event.get("action"), project_key(event.get("project"))
    if lacking(event):
        yield Untold(project)
    if not project:
        known = event.get(PROJECTS)
        yield from map(Untold, filter(None, map(project_key, known if isinstance(known, list) else [])))
        return
    config = as_object(event.get("project")).get("label_config")
    if isinstance(config, str) and config.strip():
        yield Configured(project, config)
    annotations, tasks = annotations_of(event), one_or_more(event.get("task")) + one_or_more(event.get("tasks"))
    if action in _MADE:
        by_id = {id_key(task): task for task in tasks}
        for annotation in annotations:
            task = id_key(annotation.get("task"))
            clicks = as_object(event.get(CLICKS)).get(task)
            read = read_annotation(project, annotation, by_id.get(task, {}), clicks)
            if read is not None:
                yield read
    elif action in _DELETED:
        yield Withdrawn(project, tuple(_ids(annotations)))
    elif action == "TASKS_DELETED":
        yield TasksWithdrawn(project, tuple(_ids(tasks)))
    elif action == "START_TRAINING":
        yield TrainingWanted(project)


def annotations_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The annotations that an event is about: some actions name one, others several."""
    return one_or_more(event.get("annotation")) + one_or_more(event.get("annotations"))


def lacking(event: Mapping[str, Any]) -> str | None:
    """The field without which an event does not tell what its action is about; None where it has all that is needed.

    Webhooks of which "send payload" is off bring the action and nothing else.
    """
    action = event.get("action")
    if not isinstance(action, str) or not action.startswith(_OF_PROJECTS):
        return None
    if not project_key(event.get("project")):
        return "project"
    annotations, tasks = annotations_of(event), one_or_more(event.get("task")) + one_or_more(event.get("tasks"))
    if action in _MADE and not (annotations and all(_ids_of(one, {}) for one in annotations)):
        return "annotation"
    if action in _DELETED and len(list(_ids(annotations))) < max(len(annotations), 1):
        return "annotations"
    if action == "TASKS_DELETED" and len(list(_ids(tasks))) < max(len(tasks), 1):
        return "tasks"
    return None


def without_tasks(event: Mapping[str, Any], project: str, tasks: Container[int]) -> dict[str, Any]:
    """What is left of an event where some tasks of a project are forgotten: of these and their annotations, the ids."""
    left = dict(event)
    if project_key(event.get("project")) not in (project, ""):
        return left
    for field in ("task", "tasks", "annotation", "annotations"):
        value = event.get(field)
        if isinstance(value, list):
            left[field] = [_without(entry, field, tasks) for entry in value]
        elif isinstance(value, dict):
            left[field] = _without(value, field, tasks)
    return left


def _without(entry: Any, field: str, tasks: Container[int]) -> Any:
    if not isinstance(entry, dict):
        return entry
    number = id_key(entry if field.startswith("task") else entry.get("task"))
    if not number.isdecimal() or int(number) not in tasks:
        return entry
    return {"id": entry.get("id"), **({} if field.startswith("task") else {"task": int(number)})}


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
    """An annotation as the annotation store keeps it; None for one without ids, which Label Studio does not send.

    Args:
        project: the project's id.
        annotation: from an event or a list.
        task: its task, as far as it is known.
        clicks: that were made for it, if that was seen.
    """
    ids = _ids_of(annotation, task)
    if ids is None:
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
        id=ids[0],
        task=ids[1],
        annotator=id_key(annotation.get("completed_by")),
        updated=_seconds(annotation.get("updated_at") or annotation.get("created_at")),
        cancelled=bool(annotation.get("was_cancelled") or annotation.get("skipped")),
        content=json.dumps(content, separators=(",", ":")),
    )


def _ids_of(annotation: Mapping[str, Any], task: Mapping[str, Any]) -> tuple[int, int] | None:
    """The ids of an annotation and of its task; None if it lacks one."""
    number, task_id = annotation.get("id"), annotation.get("task", task.get("id"))
    if isinstance(task_id, dict):
        task_id = task_id.get("id")
    return (number, task_id) if _is_id(number) and _is_id(task_id) else None


def _ids(items: list[dict[str, Any]]) -> Iterator[int]:
    return (item["id"] for item in items if _is_id(item.get("id")))


def _is_id(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63


def _seconds(value: Any) -> float:
    """Unix seconds of a time stamp; 0 for none, which any other is newer than."""
    try:
        moment = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _model_version(annotation: Mapping[str, Any]) -> str | None:
    """Model version of the prediction that the annotation began with, if Label Studio says it."""
    version = as_object(annotation.get("prediction")).get("model_version")
    return version if isinstance(version, str) else None
