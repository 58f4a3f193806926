"""Credentials: who may do what at this server.

A file lists them. A request shows one by basic auth, as Label Studio does for a backend with a user and a password, or
as a bearer token, as scripts and the headers of webhooks do. ``/health`` stays open, since Label Studio asks it before
everything else, and says nothing that matters.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

PREDICT, TEACH, LOOK = "predict", "teach", "look"

RIGHTS: Final[Mapping[str, str]] = {
    "/predict": PREDICT,
    "/setup": PREDICT,
    "/versions": PREDICT,
    "/webhook": TEACH,
    "/status": LOOK,
    "/metrics": LOOK,
}
"""The right that each path needs; others need none."""

LEAST_SECRET = 16
"""Characters of a secret."""

_REMEDY = 'write for example {"label studio": {"secret": "...", "rights": ["predict", "teach"]}}'


@dataclass(frozen=True)
class Credential:
    """A name with its secret and its rights.

    Attributes:
        name: the user of basic auth.
        secret: its password, and the bearer token.
        rights: of ``RIGHTS``.
    """

    name: str
    secret: str = field(repr=False)
    rights: frozenset[str]

    def bearer(self) -> str:
        """The ``Authorization`` header that shows it."""
        return f"Bearer {self.secret}"


def read_credentials(file: Path) -> tuple[Credential, ...]:
    """The credentials in a JSON file.

    Raises:
        ValueError: it cannot be read, or something in it is not as it must be; no secret is in the text.
    """
    where = f"IHP_CREDENTIALS_FILE: {file}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); check that it exists and may be read") from None
    except ValueError:  # The error's own text shows a part of the file.
        raise ValueError(f"{where} is no JSON; {_REMEDY}") from None
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{where} lists nobody; {_REMEDY}")
    found = tuple(_credential(where, str(name), given) for name, given in content.items())
    if len({one.secret for one in found}) < len(found):
        raise ValueError(f"{where}: two names have the same secret, which as a bearer token says no name; change one")
    return found


def _credential(where: str, name: str, given: Any) -> Credential:
    secret, rights = (given.get("secret"), given.get("rights")) if isinstance(given, dict) else (None, None)
    if ":" in name or not name:
        raise ValueError(f"{where}: name {name!r} is empty or has a colon, which basic auth cannot send; rename it")
    if not isinstance(secret, str) or len(secret) < LEAST_SECRET or not re.fullmatch(r"[!-~]+", secret):
        remedy = "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes one"
        raise ValueError(
            f"{where}: the secret of {name!r} is not {LEAST_SECRET} or more ASCII characters without blanks; {remedy}"
        )
    known = sorted({*RIGHTS.values()})
    if not isinstance(rights, list) or not rights or not set(map(str, rights)) <= set(known):
        raise ValueError(f"{where}: the rights of {name!r} are {rights!r}; choose some of {', '.join(known)}")
    return Credential(name, secret, frozenset(map(str, rights)))


def shown_by(authorization: str | None, credentials: Sequence[Credential]) -> Credential | None:
    """The credential that an ``Authorization`` header shows; None for none or a wrong one.

    All of them are compared, each in the same time whatever it is, so that the time tells nothing of any secret.
    """
    scheme, _, text = (authorization or "").partition(" ")
    name: str | None = None
    secret = text.strip()
    if scheme.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(secret, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    elif scheme.lower() != "bearer":
        return None
    found = None
    for one in credentials:
        fits = hmac.compare_digest(one.secret.encode(), secret.encode("utf-8", "surrogatepass"))
        if fits and name in (None, one.name):
            found = one
    return found
