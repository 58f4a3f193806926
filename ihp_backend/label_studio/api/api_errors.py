"""ApiError: what Label Studio did not give, and what an answer that is no success says."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urljoin

from ihp_backend.label_studio.problems import without_query
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.label_studio.web.image_errors import shown
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress
from ihp_backend.label_studio.web.status_errors import (
    NOT_LABEL_STUDIO,
    REDIRECTS,
    in_between,
    redirected,
    refused_token,
)

_PASSING = frozenset({429, 500, 502, 503, 504})
_LONGEST_COMPLAINT = 500


class ApiError(RuntimeError):
    """Label Studio did not give what was asked of it; the text names the address, what happened and the remedy.

    Attributes:
        found: the address and what happened.
        remedy: what helps.
        status: that it answered with; None for no answer.
        passing: it may be otherwise a moment later.
    """

    def __init__(self, found: str, remedy: str, status: int | None = None, passing: bool = False) -> None:
        super().__init__(f"{found}; {remedy}")
        self.found, self.remedy, self.status, self.passing = found, remedy, status, passing


def trouble_of(url: str, answer: Answer, label_studio: LabelStudioAddress) -> ApiError | None:
    """The error in an answer; None for a successful one."""
    status = answer.status
    if found := in_its_place(url, answer, label_studio):
        return ApiError(f"{shown(url)}: {found[0]}", found[1], status)
    if status < 400:
        return None
    said = f", {without_query(answer.detail)}" if status == 403 and answer.content else ""
    return ApiError(f"{shown(url)}: status {status}{said}", _remedy(answer, label_studio), status, status in _PASSING)


def in_its_place(url: str, answer: Answer, label_studio: LabelStudioAddress) -> tuple[str, str] | None:
    """The server that answered in place of Label Studio, or its redirect, with the remedy; None for neither."""
    if answer.status in REDIRECTS and answer.location:
        target = urljoin(url, answer.location)
        return redirected(target, label_studio, in_a_circle=target == url)
    if answer.status < 400:
        return None
    return in_between(url, answer.status, answer.headers, answer.body[:_LONGEST_COMPLAINT], label_studio)


def _remedy(answer: Answer, label_studio: LabelStudioAddress) -> str:
    status, detail = answer.status, answer.detail
    if status == 401:
        return refused_token(label_studio)
    if status == 403 and answer.content and "permission" not in detail.lower():
        # So it answers addresses of backends and webhooks that are closed to it.
        return "Label Studio's own settings forbid it; change them, or what was asked for"
    if status == 403:
        return "the token's user may not do this; take one who may change the project"
    if status == 404 and isinstance(answer.content, Mapping) and "detail" in answer.content:
        return "Label Studio has no such thing, or does not show it to the token's user; check the project's number"
    if status == 404:
        return f"this is not Label Studio's answer: {NOT_LABEL_STUDIO}"
    if status in (502, 503, 504):
        return "what stands before Label Studio does not reach it; look whether it runs, and run the command again"
    if status == 429:
        return "Label Studio or what stands before it wants fewer requests; run the command again later"
    if status == 500:
        return "look into Label Studio's log, and run the command again"
    if answer.body.lstrip().startswith(b"<"):
        return f"a web page, not Label Studio's answer: {NOT_LABEL_STUDIO}"
    said = detail or answer.body[:_LONGEST_COMPLAINT].decode("utf-8", "replace")
    return f"Label Studio says {without_query(said)!r}"
