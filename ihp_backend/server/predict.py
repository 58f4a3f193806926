"""POST /predict: tasks in, one item each out, in their order."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.annotation_events import project_key
from ihp_backend.label_studio.prediction_request import PredictionRequest
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.server.reading import optional, read_body
from ihp_backend.server.state import ServerState, state

logger = logging.getLogger(__name__)
routes = Blueprint("predict", __name__)


@routes.post("/predict")
def predict() -> Response:
    """A task that cannot be answered costs only its own item: Label Studio drops answers of another length."""
    body = read_body()
    here = state()
    tasks = _tasks(body)
    project = project_key(optional(body, "project", str, int))
    params = optional(body, "params", dict) or {}
    context = optional(params, "context", dict, where="params.")
    if context is not None:
        optional(context, "result", list, where="params.context.")
    hostname, access_token = here.access.of(project)
    request = PredictionRequest(project, optional(body, "label_config", str), context, hostname, access_token)
    items = [here.predictions.answer(task, request) for task in tasks]
    _write_down(here, project, items)
    return jsonify({"results": items})


def _tasks(body: dict[str, Any]) -> list[dict[str, Any]]:
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise RequestError(problem("tasks", tasks, "send a list of at least one task"))
    for index, task in enumerate(tasks):
        if not isinstance(task, dict):
            raise RequestError(problem(f"tasks[{index}]", task, "send each task as an object"))
    return tasks


def _write_down(here: ServerState, project: str, items: list[dict[str, Any]]) -> None:
    errors = [item["error"] for item in items if "error" in item]
    for error in errors:
        for each in (error, *error.get("others", ())):
            here.journal.note(Problem(each["field"], each["value"], each["remedy"]))
    here.journal.count_predictions(len(items))
    regions = sum(len(item["result"]) for item in items)
    logger.info("project %.40r: %d tasks, %d regions, %d with errors", project, len(items), regions, len(errors))
    for error in errors[:5]:
        logger.warning("project %.40r: %s: %s (%s)", project, error["field"], error["value"], error["remedy"])
