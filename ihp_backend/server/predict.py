"""POST /predict: tasks in, one item each out, in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.predict.batches import answer_all
from ihp_backend.label_studio.predict.prediction_request import read_prediction_request
from ihp_backend.label_studio.predict.timings import Timings
from ihp_backend.label_studio.problems import Problem
from ihp_backend.server.journal import Journal
from ihp_backend.server.request_body import read_body
from ihp_backend.server.state import state

routes = Blueprint("predict", __name__)


@routes.post("/predict")
def predict() -> Response:
    """Label Studio is reached as the project's last ``/setup`` told.

    A ``Server-Timing`` header says what reading, config, clicks, photograph, drawn, model, masks and writing took.
    """
    here = state()
    began, timings = here.batches.clock(), Timings()
    with timings.stage("reading"):
        tasks, request = read_prediction_request(read_body())
    hostname, access_token = here.access.of(request.project)
    request = replace(request, hostname=hostname, access_token=access_token, timings=timings)
    items = answer_all(here.batches, tasks, request, began)
    _write_down(here.journal, items)
    # The doctor's own clicks have no task.
    known = [item for task, item in zip(tasks, items, strict=True) if task.get("id") is not None and "result" in item]
    here.journal.count_predictions(str(request.project), len(known), clicked=request.context is not None)
    with timings.stage("writing"):
        answer = jsonify({"results": items})
    answer.headers["Server-Timing"] = timings.header()
    return answer


def _write_down(journal: Journal, items: list[dict[str, Any]]) -> None:
    for item in items:
        if error := item.get("error"):
            for each in (error, *error.get("others", ())):
                journal.note(Problem(each["field"], each["value"], each["remedy"]))
