"""Reading requests: a JSON body, or an error that says what to send."""

from __future__ import annotations

import json
from typing import Any

from flask import request

from ihp_backend.label_studio.problems import RequestError, problem


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
