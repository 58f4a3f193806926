"""Label Studio: it is there, its version, and whether it takes the token."""

from __future__ import annotations

import time
from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from ihp_backend.doctor.finding import Finding
from ihp_backend.label_studio.api.client import ApiError, LabelStudio
from ihp_backend.label_studio.web.access_tokens import claims_of
from ihp_backend.label_studio.web.http_answer import Answer
from ihp_backend.label_studio.web.status_errors import NOT_LABEL_STUDIO

TRIED = Version("1.23.2")
"""The version that the contract tests run with."""

PLACE = "Label Studio"
_VERSION, _WHO = "/api/version/", "/api/current-user/whoami"
_MAKE_ANOTHER = (
    "create a personal access token in Label Studio (Account & Settings, Personal Access Token), set "
    "LABEL_STUDIO_API_KEY to it and start ihp serve again"
)


def address(studio: LabelStudio) -> Iterator[Finding]:
    """Address: whether Label Studio answers, and its version; after an error nothing else can be asked."""
    for note in studio.notes:
        yield Finding("settings", "warning", note, "write the setting without that", PLACE)
    try:
        answer = studio.ask("GET", _VERSION, with_token=False)
    except ApiError as error:
        yield Finding("address", "error", error.found, error.remedy, PLACE)
        return
    if between := studio.in_between(_VERSION, answer):
        yield Finding("address", "error", f"{studio.url}: {between[0]}", between[1], PLACE)
        return
    release = answer.content.get("release") if answer.ok and isinstance(answer.content, dict) else None
    if not isinstance(release, str):
        found = f"{studio.url}{_VERSION} answered status {answer.status}, and not as Label Studio does"
        yield Finding("address", "error", found, NOT_LABEL_STUDIO, PLACE)
        return
    yield Finding("address", "ok", f"{studio.url}", "", PLACE, answer.milliseconds)
    yield _version(release)


def _version(release: str) -> Finding:
    try:
        version = Version(release)
    except InvalidVersion:
        return Finding("version", "warning", f"{release!r} is no version", f"{TRIED} is known to work", PLACE)
    if (version.major, version.minor) < (TRIED.major, TRIED.minor):
        remedy = f"{TRIED} is known to work; if clicks do nothing, upgrade: pip install label-studio=={TRIED}"
        return Finding("version", "warning", f"{version}, older than any that was tried", remedy, PLACE)
    return Finding("version", "ok", str(version), "", PLACE)


def token(studio: LabelStudio, now: float | None = None) -> Iterator[Finding]:
    """Token: its kind, and whether it is accepted; after an error nothing but the address can be asked."""
    kind, claims = "a legacy token", claims_of(studio.token)
    if not studio.token:
        yield Finding("token", "error", "LABEL_STUDIO_API_KEY is not set", _MAKE_ANOTHER, PLACE)
        return
    if claims is not None:
        kind = "an access token" if claims.get("token_type") == "access" else "a personal access token"
        ends = claims.get("exp")
        if isinstance(ends, int | float) and ends < (time.time() if now is None else now):
            ended = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ends))
            yield Finding("token", "error", f"{kind} that expired on {ended}", _MAKE_ANOTHER, PLACE)
            return
    try:
        answer = studio.ask("GET", _WHO)
    except ApiError as error:
        yield Finding("token", "error", f"{kind}: {error.found}", error.remedy, PLACE)
        return
    if between := studio.in_between(_WHO, answer):
        yield Finding("token", "error", f"{studio.url}{_WHO}: {between[0]}", between[1], PLACE)
        return
    yield _taken(kind, answer)


def _taken(kind: str, answer: Answer) -> Finding:
    if answer.ok and isinstance(answer.content, dict):
        user = answer.content.get("email") or answer.content.get("username")
        found = f"{kind} of {user}"
        if kind == "an access token":
            remedy = f"it lives five minutes; {_MAKE_ANOTHER}"
            return Finding("token", "warning", found, remedy, PLACE, answer.milliseconds)
        return Finding("token", "ok", found, "", PLACE, answer.milliseconds)
    if kind == "a legacy token" and "legacy" in answer.detail:
        found = "a legacy token, and Label Studio's organisation does not take legacy tokens"
        remedy = f"{_MAKE_ANOTHER}; or allow legacy tokens (Organization, API Tokens Settings)"
        return Finding("token", "error", found, remedy, PLACE)
    found = f"{kind} that Label Studio refuses (status {answer.status}): {answer.detail}"
    return Finding("token", "error", found, _MAKE_ANOTHER, PLACE)
