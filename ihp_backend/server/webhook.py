"""POST /webhook: what happened in Label Studio."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, jsonify

from ihp_backend.label_studio.annotations.annotation_events import project_key
from ihp_backend.label_studio.incoming_events import record_event
from ihp_backend.label_studio.problems import Problem
from ihp_backend.log_context import add_log_fields
from ihp_backend.server.request_body import read_body
from ihp_backend.server.state import state
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)
routes = Blueprint("webhook", __name__)

_NO_ADDRESS = Problem(
    "LABEL_STUDIO_URL",
    "not set",
    "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY and start server and worker again: without them nothing that a "
    "webhook did not tell is fetched",
)


@routes.post("/webhook")
def webhook() -> tuple[Response, int]:
    """Store any event, then acknowledge it; ``error`` says what keeps it from being of use."""
    event = read_body()
    add_log_fields(project=project_key(event.get("project")))
    here = state()
    problems: list[Problem] = []
    number = record_event(event, here.inbox, here.predictions, problems.append, _known_projects)
    if any(problem.field == "webhook" for problem in problems) and not here.label_studio_known:
        problems.append(_NO_ADDRESS)
    for problem in problems:
        here.journal.note(problem)
    answer: dict[str, Any] = {"status": "recorded", "event": number}
    if problems:
        answer["error"] = {**problems[0].to_json(), "others": [problem.to_json() for problem in problems[1:]]}
    return jsonify(answer), 201


def _known_projects() -> list[str]:
    """The known projects: those of which events arrived, and those that were set up."""
    here = state()
    known = set(here.access.projects())
    try:
        known |= set(here.workspace.annotation_store.projects())
    except StorageError as error:  # The event itself can be stored all the same.
        logger.error("%s", error)
    return sorted(known, key=lambda project: (len(project), project))
