"""Credentials: who may do what at this server.

A file lists them. A request shows one by basic auth, as Label Studio does for a backend with a user and a password, or
as a bearer token, as scripts and the headers of webhooks do. ``/health`` stays open, since Label Studio asks it before
everything else, and says nothing that matters.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

logger = logging.getLogger(__name__)

PREDICT, TEACH, LOOK, ADMINISTER = "predict", "teach", "look", "administer"
KNOWN_RIGHTS: Final = (PREDICT, TEACH, LOOK, ADMINISTER)

RIGHTS: Final[Mapping[str, str]] = {
    "/predict": PREDICT,
    "/setup": PREDICT,
    "/versions": PREDICT,
    "/webhook": TEACH,
    "/status": LOOK,
    "/metrics": LOOK,
}
"""The right that each path needs. Any other needs ``ADMINISTER``, as does telling ``/setup`` where Label Studio is."""

OPEN: Final = frozenset(
    ("/", "/health", "/favicon.ico", "/apple-touch-icon<path:rest>", "/robots.txt", "/.well-known/<path:rest>")
)
"""The paths that need none, as Flask's rules."""

LEAST_SECRET = 16
"""Characters of a secret."""

_REMEDY = "ihp credentials makes one that is in order"


@dataclass(frozen=True)
class Credential:
    """A name with its secret and its rights.

    Attributes:
        name: the user of basic auth.
        secret: its password, and the bearer token.
        rights: of ``KNOWN_RIGHTS``.
    """

    name: str
    secret: str = field(repr=False)
    rights: frozenset[str]

    def bearer(self) -> str:
        """The ``Authorization`` header that shows it."""
        return f"Bearer {self.secret}"


class _RepeatedError(Exception):
    """A name that is there twice; JSON's readers would drop the first."""


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict[str, object]()
    for name, value in pairs:
        if name in found:
            raise _RepeatedError(repr(name))
        found[name] = value
    return found


def read_credentials(file: Path) -> tuple[Credential, ...]:
    """The credentials in a JSON file.

    Raises:
        ValueError: it cannot be read, or something in it is not as it must be; no secret is in the text.
    """
    where = f"IHP_CREDENTIALS_FILE: {file}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"), object_pairs_hook=_each_once)
        mode = file.stat().st_mode
    except _RepeatedError as error:
        raise ValueError(f"{where}: {error} stands there twice, and only the last would count; rename one") from None
    except FileNotFoundError:
        raise ValueError(f"{where} does not exist; ihp credentials makes it") from None
    except OSError as error:
        raise ValueError(f"{where} cannot be read ({error.strerror}); let the user who runs this read it") from None
    except (ValueError, RecursionError):  # The error's own text shows a part of the file.
        raise ValueError(f"{where} is no JSON; {_REMEDY}") from None
    if not isinstance(content, dict) or not content:
        raise ValueError(f"{where} lists nobody; {_REMEDY}")
    found = tuple(_credential(where, str(name), given) for name, given in content.items())
    if len({one.secret for one in found}) < len(found):
        raise ValueError(f"{where}: two names have the same secret, which as a bearer token says no name; change one")
    if mode & 0o077:
        logger.warning("%s is open to other users of this machine (%03o); chmod 600 closes it", where, mode & 0o777)
    return found


def write_credentials(file: Path) -> tuple[Credential, ...]:
    """Makes a file with new secrets, for its owner only: one for Label Studio, one for whoever watches the server.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written.
    """
    made = (
        Credential("label studio", secrets.token_urlsafe(32), frozenset({PREDICT, TEACH, ADMINISTER})),
        Credential("monitoring", secrets.token_urlsafe(32), frozenset({LOOK})),
    )
    described = {
        one.name: {"secret": one.secret, "rights": [right for right in KNOWN_RIGHTS if right in one.rights]}
        for one in made
    }
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Never over another one, whose secrets Label Studio has.
    with open(file, "x", opener=partial(os.open, mode=0o600)) as opened:
        json.dump(described, opened, indent=1)
    return made


def _credential(where: str, name: str, given: Any) -> Credential:
    secret, rights = (given.get("secret"), given.get("rights")) if isinstance(given, dict) else (None, None)
    if ":" in name or not name:
        raise ValueError(f"{where}: name {name!r} is empty or has a colon, which basic auth cannot send; rename it")
    if not isinstance(secret, str) or len(secret) < LEAST_SECRET or not re.fullmatch(r"[!-~]+", secret):
        remedy = "openssl rand -hex 20 makes one"
        raise ValueError(
            f"{where}: the secret of {name!r} is not {LEAST_SECRET} or more ASCII characters without blanks; {remedy}"
        )
    if not isinstance(rights, list) or not rights or not set(map(str, rights)) <= set(KNOWN_RIGHTS):
        raise ValueError(f"{where}: the rights of {name!r} are {rights!r}; choose some of {', '.join(KNOWN_RIGHTS)}")
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
        except ValueError:  # No base64, other characters than ASCII, or no UTF-8 in it.
            return None
    elif scheme.lower() != "bearer":
        return None
    found = None
    for one in credentials:
        fits = hmac.compare_digest(one.secret.encode(), secret.encode("utf-8", "surrogatepass"))
        if fits and name in (None, one.name):
            found = one
    return found
