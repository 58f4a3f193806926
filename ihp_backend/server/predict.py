"""POST /predict: tasks in, one item each out, in their order."""

from __future__ import annotations

import gzip
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import orjson
from flask import Blueprint, Response, request

from ihp_backend.label_studio.predict.batches import answer_all
from ihp_backend.label_studio.predict.prediction_items import OutOfTime
from ihp_backend.label_studio.predict.prediction_request import read_prediction_request, task_id_of
from ihp_backend.label_studio.predict.timings import Timings
from ihp_backend.label_studio.problems import Problem
from ihp_backend.log_context import add_log_fields
from ihp_backend.server.admission import BATCHES, CLICKS, too_late
from ihp_backend.server.journal import Journal
from ihp_backend.server.request_body import read_body
from ihp_backend.server.state import state

routes = Blueprint("predict", __name__)

WORTH_PACKING = 4096
"""Bytes of an answer; a smaller one fits into a few packets anyway."""

FASTEST = 1
"""Of gzip's levels."""


@routes.post("/predict")
def predict() -> Response:
    """Label Studio is reached as the project's last ``/setup`` told.

    A ``Server-Timing`` header says what reading, config, clicks, photograph, drawn, waiting for a turn to compute,
    model, masks and writing took.

    Raises:
        Busy: too many wait, or a click waited too long.
    """
    here = state()
    began, timings = here.batches.clock(), Timings()
    with timings.stage("reading"):
        tasks, asked = read_prediction_request(read_body())
    add_log_fields(project=asked.project)
    if len(tasks) == 1:
        add_log_fields(task=task_id_of(tasks[0]))
    hostname, access_token = here.access.of(asked.project)
    asked = replace(asked, hostname=hostname, access_token=access_token, timings=timings)
    clicked = asked.context is not None
    if clicked:
        asked = replace(asked, ends_at=began + here.click_seconds)
    counting = nullcontext() if clicked else here.metrics.batches.track_inprogress()
    with here.admission.place(CLICKS if clicked else BATCHES), counting:
        try:
            items = answer_all(here.batches, tasks, asked, began)
        except OutOfTime:
            raise too_late(here.click_seconds) from None
    _write_down(here.journal, items)
    # The doctor's own clicks have no task, and where it has Label Studio ask there are no clicks.
    known = [item for task, item in zip(tasks, items, strict=True) if task.get("id") is not None and "result" in item]
    if known and not asked.empty:
        here.journal.count_predictions(str(asked.project), len(known), clicked=clicked)
    with timings.stage("writing"):
        # Masks are thousands of numbers: Flask takes a millisecond for them, for which all threads wait.
        answer = Response(orjson.dumps({"results": items}), mimetype="application/json")
        _compress(answer)
    answer.headers["Server-Timing"] = timings.header()
    if not asked.empty:
        here.metrics.predicted(timings.milliseconds(), here.predictions.scenes, clicked=clicked)
    return answer


def _compress(answer: Response) -> None:
    """Compresses what goes over a network: masks become a tenth, 159 kB of RLE 16 kB, in a millisecond.

    On the same machine, packing and unpacking would take longer than what is saved; a server in front of this one is on
    it, too, and packs by itself.
    """
    away = request.remote_addr not in ("127.0.0.1", "::1", "::ffff:127.0.0.1")
    if away and request.accept_encodings["gzip"] > 0 and len(answer.get_data()) > WORTH_PACKING:
        answer.set_data(gzip.compress(answer.get_data(), FASTEST))
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"


def _write_down(journal: Journal, items: list[dict[str, Any]]) -> None:
    for item in items:
        if error := item.get("error"):
            for each in (error, *error.get("others", ())):
                journal.note(Problem(each["field"], each["value"], each["remedy"]))
