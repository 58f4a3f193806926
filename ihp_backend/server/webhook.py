"""POST /webhook: what happened in Label Studio.

Label Studio waits one second, never repeats, and its user waits with it: an event is stored and acknowledged,
whatever it leads to happens elsewhere.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.annotation_events import objects, project_key
from ihp_backend.label_studio.predictions import Predictions
from ihp_backend.label_studio.problems import RequestError, problem
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
    try:
        number = here.inbox.record(event)
    except ValueError as error:
        raise RequestError(problem("body", "event", str(error))) from None
    _forget(event, action, here.predictions)
    logger.info("event %d recorded: %.40r of project %.40r", number, action, project_key(event.get("project")))
    return jsonify({"status": "recorded", "event": number}), 201


def _forget(event: dict[str, Any], action: str, predictions: Predictions) -> None:
    """Submitted and deleted work has no standing clicks any more."""
    project = project_key(event.get("project"))
    annotations = [*objects(event.get("annotation")), *objects(event.get("annotations"))]
    if action.startswith("ANNOTATION"):
        named = [task.get("id") for task in objects(event.get("task"))]
        named += [annotation.get("task") for annotation in annotations]
        for task_id in {str(task_id) for task_id in named if task_id is not None}:
            predictions.forget(project, task_id)
    if action == "ANNOTATIONS_DELETED":
        for annotation in annotations:
            if isinstance(annotation.get("id"), int):
                predictions.memory.forget_annotation(project, annotation["id"])
    if action == "TASKS_DELETED":
        for task in objects(event.get("tasks")):
            predictions.forget(project, str(task.get("id")))
