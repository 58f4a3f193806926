"""POST /webhook: what happened in Label Studio.

Label Studio waits one second, never repeats, and its user waits with it: an event is stored and acknowledged,
whatever it leads to happens elsewhere.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.annotation_events import CLICKS, annotator_key, project_key
from ihp_backend.label_studio.click_memory import NOBODY
from ihp_backend.label_studio.loose_json import one_or_more
from ihp_backend.label_studio.predictions import Predictions
from ihp_backend.label_studio.problems import RequestError, problem
from ihp_backend.retraining.storage import StorageError
from ihp_backend.server.reading import read_body
from ihp_backend.server.state import state

logger = logging.getLogger(__name__)
routes = Blueprint("webhook", __name__)


@routes.post("/webhook")
def webhook() -> tuple[Response, int]:
    """Store any event, also of an action not known today."""
    event = read_body()
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise RequestError(problem("action", action, "name the event, as Label Studio's webhooks do"))
    here = state()
    named = _tasks_of(event)
    try:
        number = here.inbox.record({**event, CLICKS: _clicks(event, named, here.predictions)})
    except ValueError as error:
        raise RequestError(problem("body", "event", str(error))) from None
    try:
        _forget(event, action, named, here.predictions)
    except StorageError as error:
        here.journal.note(problem("standing clicks", str(error), "until then masks may come back that were submitted"))
    logger.info("event %d recorded: %.40r of project %.40r", number, action, project_key(event.get("project")))
    return jsonify({"status": "recorded", "event": number}), 201


def _tasks_of(event: dict[str, Any]) -> set[str]:
    """The tasks whose annotations an event is about."""
    named = [task.get("id") for task in one_or_more(event.get("task"))]
    named += [annotation.get("task") for annotation in _annotations(event)]
    return {str(task) for task in named if task is not None}


def _clicks(event: dict[str, Any], tasks: set[str], predictions: Predictions) -> dict[str, int]:
    """How many prompts stand on each of the tasks, which nobody knows any more once the work is submitted."""
    project = project_key(event.get("project"))
    try:
        return {task: predictions.memory.standing(project, task) for task in tasks}
    except StorageError as error:
        logger.error("clicks are not counted: %s", error)
        return {}


def _forget(event: dict[str, Any], action: str, tasks: set[str], predictions: Predictions) -> None:
    """Submitted and deleted work has no standing clicks any more; other annotators' work on the task goes on."""
    project = project_key(event.get("project"))
    if action.startswith("ANNOTATION"):
        annotators = {annotator_key(one.get("completed_by")) for one in _annotations(event)}
        for task in tasks:
            for annotator in annotators or {NOBODY}:
                predictions.forget(project, task, annotator)
    if action == "ANNOTATIONS_DELETED":
        for annotation in one_or_more(event.get("annotations")):
            if isinstance(annotation.get("id"), int):
                predictions.memory.forget_annotation(project, annotation["id"])
    if action == "TASKS_DELETED":
        for deleted in one_or_more(event.get("tasks")):
            predictions.forget(project, str(deleted.get("id")))


def _annotations(event: dict[str, Any]) -> list[dict[str, Any]]:
    return one_or_more(event.get("annotation")) + one_or_more(event.get("annotations"))
