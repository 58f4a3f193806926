"""One HTTP request with its answer in full, whatever its status, and how long it took."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from ihp_backend.label_studio.web.address_policy import Reach
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.label_studio_address import origin
from ihp_backend.label_studio.web.no_connection import NoConnection
from ihp_backend.label_studio.web.pinned_adapter import send

_LONGEST_DETAIL = 300


class NoAnswer(RuntimeError):
    """Nobody answered; the text names the address and what happened.

    Attributes:
        error: why, and its remedy.
    """

    def __init__(self, text: str, error: NoConnection) -> None:
        super().__init__(text)
        self.error = error


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: the HTTP status.
        content: the decoded JSON, None for anything else.
        text: the beginning of anything else.
        milliseconds: from the request to the end of the answer.
        headers: its header fields, their names in any case.
    """

    status: int
    content: Any
    milliseconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def location(self) -> str:
        """Where a redirect leads; empty for other answers."""
        return self.headers.get("Location", "")

    @property
    def detail(self) -> str:
        """What an answer says about an error, shortened."""
        content = self.content
        if isinstance(content, dict):
            content = content.get("validation_errors") or content.get("detail") or content.get("error") or content
        text = content if isinstance(content, str) else "" if content is None else json.dumps(content)
        return text[:_LONGEST_DETAIL]


def call(
    method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None, patience: float = 30.0
) -> Answer:
    """Ask an address that the operator or Label Studio names; redirects are not followed.

    Args:
        body: sent as JSON where given.
        patience: seconds without a byte after which it counts as no answer.

    Raises:
        NoAnswer: nothing listens there, the name is unknown, or it took too long.
    """
    fields = {"Accept": "application/json", **(headers or {})}
    try:
        request = requests.Request(method, url, headers=fields, json=body).prepare()
        origin(str(request.url))
    except (ValueError, requests.RequestException):
        raise _no_answer(url, NoConnection("no http or https address", "correct {setting}")) from None
    began = time.perf_counter()
    try:
        with send(request, Reach.ANY, (min(patience, 5.0), patience)) as response:
            content = response.content
    except NoConnection as error:
        raise _no_answer(url, error) from None
    except (requests.RequestException, OSError):
        broken = NoConnection("the answer broke off before its end", "look into the log of {server}", passing=True)
        raise _no_answer(url, broken) from None
    took = (time.perf_counter() - began) * 1000
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = None
    text = "" if decoded is not None else content[:_LONGEST_DETAIL].decode("utf-8", "replace")
    return Answer(response.status_code, decoded, took, response.headers, text)


def _no_answer(url: str, error: NoConnection) -> NoAnswer:
    return NoAnswer(f"{shown(url)}: {error.what}", error)
