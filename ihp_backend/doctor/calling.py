"""One HTTP request with its answer in full, whatever its status, and how long it took."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import requests

from ihp_backend.label_studio.web.address_policy import AddressRefused, Reach
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.pinned_adapter import send

_LONGEST_DETAIL = 300


class NoAnswer(RuntimeError):
    """Nobody answered; the text names the address and what happened."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: the HTTP status.
        content: the decoded JSON, None for anything else.
        milliseconds: from the request to the end of the answer.
        location: where a redirect leads.
    """

    status: int
    content: Any
    milliseconds: float
    location: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

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
    began = time.perf_counter()
    try:
        request = requests.Request(method, url, headers={"Accept": "application/json", **(headers or {})}, json=body)
        with send(request.prepare(), Reach.ANY, (min(patience, 5.0), patience)) as response:
            content = response.content
    except requests.Timeout:
        raise NoAnswer(f"{shown(url)}: no answer within {patience:g} s") from None
    except (AddressRefused, OSError, ValueError) as error:
        why = "the connection is refused" if "refused" in str(error) else f"no connection ({type(error).__name__})"
        raise NoAnswer(f"{shown(url)}: {why}") from None
    took = (time.perf_counter() - began) * 1000
    try:
        decoded = json.loads(content)
    except ValueError:
        decoded = None
    return Answer(response.status_code, decoded, took, response.headers.get("Location", ""))
