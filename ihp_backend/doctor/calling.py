"""One HTTP request with its answer in full, whatever its status, and how long it took."""

from __future__ import annotations

import time
from typing import Any

import requests

from ihp_backend.label_studio.web.address_policy import Reach
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.label_studio_address import origin
from ihp_backend.label_studio.web.no_connection import NoConnection
from ihp_backend.label_studio.web.pinned_adapter import send


class NoAnswer(RuntimeError):
    """Nobody answered; the text names the address and what happened.

    Attributes:
        error: why, and its remedy.
    """

    def __init__(self, text: str, error: NoConnection) -> None:
        super().__init__(text)
        self.error = error


def call(
    method: str, url: str, body: Any = None, *, patience: float = 30.0, authorization: str | None = None
) -> Answer:
    """Ask an address that the operator or Label Studio names; redirects are not followed.

    Args:
        body: sent as JSON where given.
        patience: seconds without a byte after which it counts as no answer.
        authorization: header of that name.

    Raises:
        NoAnswer: nothing listens there, the name is unknown, or it took too long.
    """
    try:
        headers = {"Accept": "application/json", **({"Authorization": authorization} if authorization else {})}
        request = requests.Request(method, url, headers=headers, json=body).prepare()
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
    return Answer(response.status_code, response.headers, content, (time.perf_counter() - began) * 1000)


def _no_answer(url: str, error: NoConnection) -> NoAnswer:
    return NoAnswer(f"{shown(url)}: {error.what}", error)
