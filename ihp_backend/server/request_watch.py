"""Every request gets an id, which its answer and all lines of the log have that it causes, a line, and its metrics."""

from __future__ import annotations

import logging
import re
import time
from uuid import uuid4

from flask import Flask, Response, g, request

from ihp_backend.log_context import about, add_log_fields
from ihp_backend.server.metrics import Metrics

logger = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
"""Header in which a request may bring its id, and in which every answer has it."""

_SANE = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}")

_ASKED_ALL_THE_TIME = frozenset({"/", "/health", "/metrics"})
"""Routes whose answers, where nothing is wrong, have no line at the usual level."""

OTHER = "other"
"""Stands for all paths that are no route, of which there may be any number."""


def watch_requests(app: Flask, metrics: Metrics) -> None:
    """Watches the requests of ``app``; before anything else looks at them."""

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _SANE.fullmatch(given) else uuid4().hex
        g.log_fields = about(request_id=g.request_id, route=_route())
        g.log_fields.__enter__()

    @app.after_request
    def end(answer: Response) -> Response:
        seconds = time.perf_counter() - g.began
        route, status, milliseconds = _route(), answer.status_code, round(1000 * seconds, 1)
        metrics.request_seconds.labels(route, status).observe(seconds)
        add_log_fields(status=status, milliseconds=milliseconds)
        level = logging.DEBUG if route in _ASKED_ALL_THE_TIME and status < 400 else logging.INFO
        logger.log(level, "%s %s answered %d in %.0f ms", request.method, route, status, milliseconds)
        answer.headers[REQUEST_ID] = g.request_id
        return answer

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        g.log_fields.__exit__(None, None, None)  # The thread goes on to other requests.


def _route() -> str:
    return request.url_rule.rule if request.url_rule is not None else OTHER
