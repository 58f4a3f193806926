"""Problem: what was wrong with a request, told so that the reader knows what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_LONGEST_VALUE = 200

# Any text passes here, however long: nothing is looked for again and again from one place on.
_PICTURE = re.compile(r"(?i)\b(data:[^,\s]{0,100}),[^\s'\")>]+")
_WORD = re.compile(r"\S+")
_USER = re.compile(r"://(?:[^\s/]*@|[^\s/@:]*:(?!\d+[/?#])\S*@)")
_QUERY = re.compile(r"\?(?!d=)[^\s'\")>=?]+=[^\s'\")>]*")


@dataclass(frozen=True)
class Problem:
    """A problem: one thing that was wrong.

    Attributes:
        field: where it was found, for example ``label_config`` or ``context.result[2].value.x``.
        value: what was found there, shortened; never a token, a query string or a mask.
        remedy: what to do about it.
    """

    field: str
    value: str
    remedy: str

    def to_json(self) -> dict[str, str]:
        return {"field": self.field, "value": self.value, "remedy": self.remedy}


class RequestError(ValueError):
    """A request, or one task of it, cannot be answered; ``problem`` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.field}: {problem.value}: {problem.remedy}")
        self.problem = problem


def problem(field: str, value: Any, remedy: str) -> Problem:
    """A ``Problem`` whose value may be anything: it is shown as text, shortened and without secrets."""
    return Problem(field, shown(value), without_query(remedy))


def shown(value: Any) -> str:
    """A value as short text; long lists and objects only by their size, addresses without their query string.

    Examples:
        >>> shown([1, 2, 3]), shown("https://host/a.jpg?token=secret")
        ('list of 3', 'https://host/a.jpg?...')
    """
    if isinstance(value, (list, dict)):
        return f"{type(value).__name__} of {len(value)}"
    text = without_query(value if isinstance(value, str) else repr(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 3]}..."


def without_query(text: str) -> str:
    """``text`` without query strings, users and passwords of addresses: pre-signed ones carry credentials there.

    Of an address that holds a picture (``data:``) only the beginning stays: it may be a mask.

    The path of a local file (``?d=...``) stays, it is what the reader has to correct.
    """
    text = _PICTURE.sub(r"\1,...", text)
    return _QUERY.sub("?...", _WORD.sub(_without_user, text) if "@" in text else text)


def _without_user(word: re.Match[str]) -> str:
    """A word without the users and passwords of addresses; behind its last @ there is none."""
    before, at, behind = word[0].rpartition("@")
    return _USER.sub("://", before + at) + behind
