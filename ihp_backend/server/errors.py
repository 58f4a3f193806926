"""Errors as JSON: {"error": {"field", "value", "remedy"}, "request_id"} with the fitting status, never a traceback."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.server.admission import Busy
from ihp_backend.server.state import state
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

_REMEDIES = {
    404: "known paths: /health, /setup, /predict, /webhook, /versions, /status, /metrics",
    405: "use the method of Label Studio's protocol: GET for /health, /status and /metrics, POST for the others",
    413: "send fewer tasks at once, or raise IHP_MAX_BODY_MEBIBYTES",
    415: "send JSON as application/json",
}


class NotAllowed(Exception):
    """A request without a credential, or whose credential has not the right.

    Attributes:
        status: 401 or 403.
        problem: what was shown, and what has to be.
    """

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.remedy)
        self.status, self.problem = status, problem


def register_errors(app: Flask) -> None:
    """Make ``app`` answer every error as JSON."""

    @app.errorhandler(RequestError)
    def malformed(error: RequestError) -> tuple[Response, int]:
        return _answer(error.problem, 400)

    @app.errorhandler(StorageError)
    def not_stored(error: StorageError) -> tuple[Response, int]:
        field, value = str(error).partition(":")[0], "cannot be used"
        if request.path == "/webhook":
            field, value = "inbox", "event not stored"
        return _answer(problem(field, value, str(error)), 507 if error.disk_full else 503)

    @app.errorhandler(NotAllowed)
    def not_allowed(error: NotAllowed) -> tuple[Response, int]:
        # Who it was and what is lacking: Label Studio's page shows neither, and sends its reader to this log.
        answer, status = _answer(error.problem, error.status, f" ({error.problem.value}; {error.problem.remedy})")
        if status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="IHP Backend"'
        return answer, status

    @app.errorhandler(Busy)
    def busy(error: Busy) -> tuple[Response, int]:
        answer, status = _answer(error.problem, 503)
        answer.headers["Retry-After"] = str(error.retry_seconds)
        return answer, status

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        code = error.code or 500
        field = "method" if code == 405 else "body" if code == 413 else "path"
        value = request.method if code == 405 else error.name if code == 413 else request.path
        return _answer(problem(field, value, _REMEDIES.get(code, error.description or error.name)), code)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        logger.exception("%s %s failed", request.method, request.path)
        return _answer(problem("server", type(error).__name__, "an error of this server; its log has the details"), 500)


def _answer(problem: Problem, status: int, more: str = "") -> tuple[Response, int]:
    logger.warning("%s %s answered %d: %s%s", request.method, request.path, status, problem.field, more)
    state().journal.note(problem)
    return jsonify({"error": problem.to_json(), "request_id": g.request_id}), status
