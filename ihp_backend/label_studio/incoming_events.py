"""record_event: an event of Label Studio is stored, and the clicks on its tasks are counted and forgotten.

Label Studio waits one second, never repeats, and its user waits with it: whatever an event leads to happens elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.label_studio.annotations.annotation_events import (
    CLICKS,
    PROJECTS,
    annotations_of,
    id_key,
    lacking,
    project_key,
)
from ihp_backend.label_studio.clicks.click_memory import NOBODY
from ihp_backend.label_studio.loose_json import one_or_more
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)


def record_event(
    event: Mapping[str, Any],
    inbox: EventInbox,
    predictions: Predictions,
    note: Callable[[Problem], None] = lambda _: None,
    projects: Callable[[], Sequence[str]] = tuple,
) -> int:
    """The number in the event inbox of an event, which may be of an action not known today.

    Args:
        event: as a webhook brings it.
        event inbox: where it is stored.
        predictions: whose clicks are counted and forgotten.
        note: is told what went wrong although the event is stored.
        projects: tells those that an event without one may be about.

    Raises:
        RequestError: it names no action, or is nested too deeply for JSON.
        StorageError: it is not stored.
    """
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise RequestError(problem("action", action, "name the event, as Label Studio's webhooks do"))
    named = _tasks_of(event)
    added: dict[str, Any] = {CLICKS: _clicks(event, named, predictions)}
    missing = lacking(event)
    known = list(projects()) if missing == "project" else []
    if missing == "project":
        added[PROJECTS] = known
    try:
        number = inbox.record({**event, **added})
    except ValueError as error:
        raise RequestError(problem("body", "event", str(error))) from None
    try:
        _forget(event, action, named, predictions)
    except StorageError as error:
        logger.error("clicks are not forgotten: %s", error)
        note(problem("active prompts", str(error), "until then masks may come back that were submitted"))
    logger.info("event %d recorded: %.40r of project %.40r", number, action, project_key(event.get("project")))
    if missing is not None:
        told = _untold(action, missing, known)
        logger.warning("event %d: %s: %s: %s", number, told.field, told.value, told.remedy)
        note(told)
    return number


def _untold(action: str, missing: str, projects: Sequence[str]) -> Problem:
    """The reason why nothing can be learned from an event, and the remedy."""
    value = f"{action[:40]} without its {missing}"
    if action == "START_TRAINING":
        return problem("webhook", value, 'send {"action": "START_TRAINING", "project": {"id": NUMBER}}, or ihp train')
    if missing != "project":
        mended = "the worker, if one runs, fetches what it did not tell"
    elif projects:
        listed = ", ".join(projects[:20]) + (", ..." if len(projects) > 20 else "")
        mended = f"of which project it is nobody knows: the worker, if one runs, fetches what is new in all ({listed})"
    else:
        mended = "no project is known yet: ihp sync PROJECT fetches what was missed"
    return problem(
        "webhook", value, f"switch on Send payload of this webhook in Label Studio, Settings, Webhooks; {mended}"
    )


def _tasks_of(event: Mapping[str, Any]) -> set[str]:
    """The tasks whose annotations an event is about."""
    named = [*one_or_more(event.get("task")), *(annotation.get("task") for annotation in annotations_of(event))]
    return {key for key in map(id_key, named) if key}


def _clicks(event: Mapping[str, Any], tasks: set[str], predictions: Predictions) -> dict[str, int]:
    """Number of active prompts on each of the tasks; it is lost once the work is submitted."""
    project = project_key(event.get("project"))
    try:
        return {task: predictions.memory.active(project, task) for task in tasks}
    except StorageError as error:
        logger.error("clicks are not counted: %s", error)
        return {}


def _forget(event: Mapping[str, Any], action: str, tasks: set[str], predictions: Predictions) -> None:
    """Submitted and deleted work has no active prompts any more; other annotators' work on the task goes on."""
    project = project_key(event.get("project"))
    if action.startswith("ANNOTATION"):
        annotators = {id_key(one.get("completed_by")) for one in annotations_of(event)}
        for task in tasks:
            for annotator in annotators or {NOBODY}:
                predictions.forget(project, task, annotator)
    if action == "ANNOTATIONS_DELETED":
        for annotation in one_or_more(event.get("annotations")):
            if isinstance(annotation.get("id"), int):
                predictions.memory.forget_annotation(project, annotation["id"])
    if action == "TASKS_DELETED":
        for deleted in one_or_more(event.get("tasks")):
            predictions.forget(project, id_key(deleted))
