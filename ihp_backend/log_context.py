"""What the lines of the log are about: the request, the project and the task that a thread works on.

Concurrency: each thread has fields of its own. One that works for another starts in a copy of its context
(``contextvars.copy_context``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_FIELDS: ContextVar[Mapping[str, Any]] = ContextVar("log_fields")


def log_fields() -> Mapping[str, Any]:
    """The fields of the lines that are logged here and now, by name."""
    return _FIELDS.get({})


def add_log_fields(**fields: Any) -> None:
    """From here on lines have these fields, too."""
    _FIELDS.set({**log_fields(), **fields})


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Lines have these fields, too, for the time of the block."""
    before = _FIELDS.set({**log_fields(), **fields})
    try:
        yield
    finally:
        _FIELDS.reset(before)
