"""Log lines: as text for people or as JSON for programs, with the request that they are about and without secrets."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Final, Literal, get_args

from ihp_backend.label_studio.problems import without_query
from ihp_backend.log_context import log_fields

LogFormat = Literal["text", "json"]

LOG_FORMATS: Final[tuple[str, ...]] = get_args(LogFormat)


class TextLines(logging.Formatter):
    """Lines for people; what a request caused ends with its id."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        request = log_fields().get("request_id")
        return super().formatMessage(record) + (f" (request {request})" if request else "")

    def format(self, record: logging.LogRecord) -> str:
        return without_query(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and what else is known.

    These are the fields of ``log_context`` and, of an error with a traceback, that as ``exception``.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_query(record.getMessage()),
            **log_fields(),
        }
        if record.exc_info:
            line["exception"] = without_query(self.formatException(record.exc_info))
        return json.dumps(line, default=str)


def set_up_log(form: str) -> None:
    """Has everything from INFO on written to the standard error stream.

    Args:
        form: of ``LOG_FORMATS``.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(form == "json")
