"""Reading requests: JSON bodies and their fields, or an error that says what to send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import request

from ihp_backend.label_studio.problems import RequestError, problem

_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


def read_body() -> dict[str, Any]:
    """The body of the current request as a JSON object.

    Raises:
        RequestError: another content type, malformed JSON, or JSON that is no object.
    """
    if not request.is_json:
        raise RequestError(
            problem("Content-Type", request.mimetype or "none", "send JSON as application/json, as Label Studio does")
        )
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise RequestError(problem("body", text, "send well-formed JSON in UTF-8")) from None
    if not isinstance(body, dict):
        raise RequestError(problem("body", body, "send a JSON object"))
    return body


def optional(body: Mapping[str, Any], field: str, *types: type, where: str = "") -> Any:
    """A field of one of the given types, None where it is null or missing.

    Raises:
        RequestError: it has another type.
    """
    value = body.get(field)
    if value is not None and (not isinstance(value, types) or isinstance(value, bool)):
        wanted = " or ".join(_NAMES[kind] for kind in types)
        raise RequestError(problem(f"{where}{field}", value, f"send {wanted}, or leave it out"))
    return value
