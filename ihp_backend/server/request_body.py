"""Reading requests: a JSON body that everything behind the door can hold, or an error that says what to send."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from flask import request

from ihp_backend.label_studio.loose_json import MOST_LEVELS, TOO_DEEP, mended
from ihp_backend.label_studio.problems import RequestError, problem
from ihp_backend.server.state import state

logger = logging.getLogger(__name__)

_LONGEST_NUMBER = 300
"""Digits; Python refuses to read whole numbers of more than 4300."""

_TOKEN = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


def read_body() -> dict[str, Any]:
    """The body of the current request as a JSON object, mended (see ``mended``); what was changed is logged and noted.

    Raises:
        RequestError: another content type, malformed JSON, or JSON that is no object.
    """
    if not request.is_json:
        raise RequestError(
            problem("Content-Type", request.mimetype or "none", "send JSON as application/json, as Label Studio does")
        )
    text, changed = _decoded(request.get_data())
    try:
        try:
            body = _read(text)
        except RecursionError:
            body, changed = _read(_cut(text)), (*changed, TOO_DEEP)
    except ValueError as error:
        raise RequestError(problem("body", str(error), "send well-formed JSON in UTF-8")) from None
    if not isinstance(body, dict):
        raise RequestError(problem("body", body, "send a JSON object"))
    body, more = mended(body)
    changed = tuple(dict.fromkeys((*changed, *more)))
    if changed:
        logger.warning("%s %s: the body was changed: %s", request.method, request.path, "; ".join(changed))
        state().journal.note(problem("body", "; ".join(changed), "correct what sends it; the rest of it was used"))
    return dict(body)


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text, in whatever Unicode encoding it came, and what had to be replaced in it."""
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding), ()
    except UnicodeDecodeError:
        return data.decode(encoding, "replace"), (f"bytes that are no {encoding} were replaced",)


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # A number that is too long, which must not cost the rest.
        return json.loads(
            text, parse_int=lambda digits: int(digits) if len(digits) < _LONGEST_NUMBER else float(digits)
        )


def _cut(text: str) -> str:
    """JSON text with null for what is nested deeper than ``MOST_LEVELS``, which Python's own reader may not reach."""
    kept: list[str] = []
    level = end = 0
    within = False  # a text, whose brackets mean nothing; one that never ends has to be looked through only once
    for token in _TOKEN.finditer(text):
        if token[0] == '"':
            within = not within
        elif within:
            continue
        elif token[0] in "[{":
            level += 1
            if level == MOST_LEVELS + 1:
                kept += [text[end : token.start()], "null"]
        elif token[0] in "]}":
            if level == MOST_LEVELS + 1:
                end = token.end()
            level -= 1
    return "".join([*kept, text[end:] if level <= MOST_LEVELS else ""])
