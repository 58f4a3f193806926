"""Whose annotations count in an export, where a task has several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ihp_backend.label_studio.loose_json import as_object, objects


def several_annotations(listed: Sequence[Any]) -> dict[str, str]:
    """What is assumed of tasks with several annotations, by the option that says otherwise."""
    several = sum(len(_annotations(task)) > 1 for task in listed)
    tasks = "1 task has" if several == 1 else f"{several} tasks have"
    told = f"{tasks} several annotations, of which the newest counts; annotator=ID takes those of one user"
    return {"annotator": told} if several else {}


def _annotations(task: Any) -> list[Mapping[str, Any]]:
    """A task's annotations that were not cancelled."""
    return [made for made in objects(as_object(task).get("annotations")) if not made.get("was_cancelled")]


def only_by(listed: Sequence[Any], annotator: int) -> list[Any]:
    """Tasks with the annotations of one user alone."""
    return [
        {**task, "annotations": [made for made in objects(task["annotations"]) if _user(made) == annotator]}
        if isinstance(task, dict) and isinstance(task.get("annotations"), list)
        else task
        for task in listed
    ]


def annotated_by_others(listed: Sequence[Any], annotator: int) -> dict[str, str]:
    """The tasks that only others annotated."""
    return {
        str(task.get("id")): f"not annotated by user {annotator}"
        for task in listed
        if _annotations(task) and annotator not in map(_user, _annotations(task))
    }


def _user(annotation: Mapping[str, Any]) -> Any:
    """The id of who made it; some exports hold the whole user."""
    user = annotation.get("completed_by")
    return user.get("id") if isinstance(user, Mapping) else user
