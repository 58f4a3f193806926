"""Authorization: a request shows a credential with the right that its path needs, where there are any credentials."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, g, request

from ihp_backend.label_studio.problems import problem
from ihp_backend.server.credentials import ADMINISTER, OPEN, RIGHTS, Credential, shown_by
from ihp_backend.server.errors import NotAllowed


def guard(app: Flask, credentials: Sequence[Credential]) -> None:
    """Has an application refuse requests that may not be made; without any credentials it refuses none."""
    if not credentials:
        return

    @app.before_request
    def look_at_credentials() -> None:
        if request.url_rule is None or request.url_rule.rule in OPEN:
            return
        shown = shown_by(request.headers.get("Authorization"), credentials)
        if shown is None:
            given = "a wrong credential" if "Authorization" in request.headers else "no credential"
            remedy = "send the user and password, or the bearer token, of an entry of IHP_CREDENTIALS_FILE"
            raise NotAllowed(401, problem("Authorization", given, remedy))
        right = RIGHTS.get(request.url_rule.rule, ADMINISTER)
        if right not in shown.rights:
            remedy = f"add {right!r} to its rights in IHP_CREDENTIALS_FILE, which {request.path} needs"
            raise NotAllowed(403, problem("Authorization", shown.name, remedy))
        g.shown = shown


def may(right: str) -> bool:
    """Whether the credential of the current request has a right; without any credentials everybody has all rights."""
    shown: Credential | None = g.get("shown")
    return shown is None or right in shown.rights
