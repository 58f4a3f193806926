"""optional: a field of a request, or an error that says what to send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihp_backend.label_studio.problems import RequestError, problem

_NAMES = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


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
