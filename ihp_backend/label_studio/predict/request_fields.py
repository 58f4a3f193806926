"""Fields of a request, or an error that says what to send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihp_backend.label_studio.annotations.annotation_events import project_key
from ihp_backend.label_studio.problems import RequestError, problem

LONGEST_CONFIG = 1 << 20
"""Characters of a labelling config; one with 255 labels has about fifty thousand."""

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


def project_of(body: Mapping[str, Any]) -> str:
    """The project that a request names, "" where it names none.

    Raises:
        RequestError: it is no number of a project.
    """
    project = optional(body, "project", str, int)
    key = project_key(project)
    if not key and project not in (None, ""):
        raise RequestError(problem("project", project, "send the number that the project has in Label Studio"))
    return key


def config_text_of(body: Mapping[str, Any], field: str) -> str | None:
    """The labelling config that a request brings, None where it brings none.

    Raises:
        RequestError: it is no text, or longer than ``LONGEST_CONFIG``.
    """
    text: str | None = optional(body, field, str)
    if text is not None and len(text) > LONGEST_CONFIG:
        raise RequestError(problem(field, f"{len(text)} characters", f"send at most {LONGEST_CONFIG} characters"))
    return text
