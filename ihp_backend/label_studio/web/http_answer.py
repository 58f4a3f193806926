"""Answer: an HTTP answer in full, whatever its status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_LONGEST_DETAIL = 300


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: the HTTP status.
        headers: its header fields, their names in any case.
        body: its bytes.
        milliseconds: from the request to the end of the answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @cached_property
    def content(self) -> Any:
        """The decoded JSON, None for anything else."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def location(self) -> str:
        """The target of a redirect; empty for other answers."""
        return self.headers.get("Location", "")

    @property
    def is_web_page(self) -> bool:
        """Whether the answer declares itself HTML."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html"

    @property
    def detail(self) -> str:
        """The error message in an answer, shortened."""
        content = self.content
        if isinstance(content, dict):
            content = content.get("validation_errors") or content.get("detail") or content.get("error") or content
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        return text[:_LONGEST_DETAIL]
