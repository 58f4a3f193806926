"""The Authorization header for Label Studio, from either kind of token it gives out.

A legacy token (40 hexadecimal digits) is sent as it is. A personal access token is a refresh token: Label
Studio refuses it in the header and exchanges it at ``/api/token/refresh/`` for an access token that lives five
minutes, which is kept here and renewed before it ends. Behind basic auth a legacy token is sent as X-Api-Key, which
Label Studio lets win over Authorization; it takes no access token there.

Concurrency: one lock guards the table and is not held while a token is exchanged. Threads with the same ended token
cause one exchange and wait for it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from cachetools import LRUCache

from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.label_studio_address import QUOTES, LabelStudioAddress, unwrapped
from ihp_backend.single_flight import SingleFlight

# Of an access token that does not say how long it lives; Label Studio's live 300 s.
_DEFAULT_LIFE = 240.0
_MOST_KEPT = 32

_IN_FRONT = re.compile(
    r"(?:export\s+)?LABEL_STUDIO_API_KEY\s*=\s*|Authorization\s*:\s*|(?:Token|Bearer)(?:\s+|$)", re.IGNORECASE
)
_BEGINNING = "eyJ"
"""Of every JSON web token: the base64 of ``{"``."""
_SIGNATURE_CHARACTERS = {"HS256": 43, "HS384": 64, "HS512": 86}

Exchange = Callable[[LabelStudioAddress, str, dict[str, str]], tuple[int, bytes]]
"""POST a JSON object to an address of a Label Studio: status and body."""


class AccessTokens:
    """Authorization headers, with access tokens kept until shortly before their end."""

    def __init__(self, exchange: Exchange, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._lock = threading.Lock()
        self._exchanging = SingleFlight[tuple[str, str], str]()
        # Handed-over tokens come from requests: without a bound they could fill the memory.
        self._kept: LRUCache[tuple[str, str], tuple[str, float]] = LRUCache(_MOST_KEPT)

    def header(self, label_studio: LabelStudioAddress) -> dict[str, str]:
        """``{"Authorization": ...}`` for a request to `label_studio`; empty where neither token nor login is known.

        Raises:
            ImageFetchError: the token cannot be sent, or the personal access token not be exchanged.
        """
        token = label_studio.token
        if not token:
            return basic(label_studio)
        if why := why_no_token(token):
            # The operator's own was looked at when it was set.
            raise ImageFetchError(
                f"the token that Label Studio handed over {why}; set LABEL_STUDIO_API_KEY to one from its Account & "
                "Settings"
            )
        claims = claims_of(token)
        if claims is None:
            if label_studio.login is not None:
                return {**basic(label_studio), "X-Api-Key": token}
            return {"Authorization": f"Token {token}"}
        if claims.get("token_type") == "access":
            return {"Authorization": f"Bearer {token}"}
        key = (label_studio.base, token)
        access = self._current(key) or self._exchanging.do(
            key, lambda: self._current(key) or self._exchanged(label_studio, token)
        )
        return {"Authorization": f"Bearer {access}"}

    def renew(self, label_studio: LabelStudioAddress, refused: dict[str, str]) -> bool:
        """Forget the access token in the `refused` header; False if the token is none that can be renewed."""
        key = (label_studio.base, str(label_studio.token))
        with self._lock:
            if refused.get("Authorization") == f"Bearer {self._kept.get(key, ('', 0.0))[0]}":
                del self._kept[key]
                return True
        # Another thread may have renewed the token meanwhile: that is worth the second try, too.
        return bool(label_studio.token) and (claims_of(str(label_studio.token)) or {}).get("token_type") == "refresh"

    def _current(self, key: tuple[str, str]) -> str:
        """The access token that is kept for a while yet; empty for none."""
        with self._lock:
            access, renew_at = self._kept.get(key, ("", 0.0))
        return access if self._clock() < renew_at else ""

    def _exchanged(self, label_studio: LabelStudioAddress, token: str) -> str:
        access, life = self._refresh(label_studio, token)
        with self._lock:
            self._kept[label_studio.base, token] = access, self._clock() + life - min(30.0, life / 4)
        return access

    def _refresh(self, label_studio: LabelStudioAddress, token: str) -> tuple[str, float]:
        """The new access token and its life in seconds."""
        url = f"{label_studio.base}/api/token/refresh/"
        status, body = self._exchange(label_studio, url, {"refresh": token})
        if status in (401, 403):
            raise ImageFetchError(
                f"{shown(url)}: {status}, Label Studio refused the personal access token (revoked, or of another Label "
                "Studio); create a new personal access token in its Account & Settings and set LABEL_STUDIO_API_KEY"
            )
        try:
            access = json.loads(body)["access"] if status == 200 else None
        except (ValueError, KeyError, TypeError):
            access = None
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise ImageFetchError(
                f"{shown(url)}: status {status} instead of an access token; check that LABEL_STUDIO_URL is the "
                "address of Label Studio itself, with https and sub-path if it has them"
            )
        claims = claims_of(access) or {}
        # The difference, and not the end itself: the clocks of the two machines may differ.
        life = _number(claims.get("exp")) - _number(claims.get("iat")) if "iat" in claims else 0.0
        return access, life if life > 0 else _DEFAULT_LIFE


def basic(label_studio: LabelStudioAddress) -> dict[str, str]:
    """The header for the basic auth of a server in front of `label_studio`; empty where its address has no login."""
    if label_studio.login is None:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(label_studio.login.encode()).decode()}"}


def cleaned_token(text: str) -> tuple[str, str]:
    """A token as it was copied, without what is around it: the token, and what was left out, empty for nothing."""
    token = unwrapped(text)
    quoted = any(character in QUOTES for character in text[: text.find(token)])
    left_out = [] if token == text else ["quotes" if quoted else "white space"]
    while match := _IN_FRONT.match(token):
        token = unwrapped(token[match.end() :])
        left_out.append(repr(match[0].strip()))
    return token, " and ".join(left_out)


def why_no_token(token: str) -> str:
    """The reason why a token cannot be sent or is not whole, without a character of it; empty if nothing is wrong."""
    if not token:
        return "is empty"
    if re.match(r"(?i)https?://", token):
        return "is an address and no token"
    for number, character in enumerate(token, start=1):
        if character.isspace():
            return f"has a blank or a line break in it (character {number} of {len(token)})"
        if not character.isascii() or not character.isprintable():
            return f"has a character that no token has (character {number} of {len(token)})"
    if token.startswith(_BEGINNING) and not _is_whole(token):
        return f"begins like a personal access token and is not whole ({len(token)} characters)"
    return ""


def is_web_token(token: str) -> bool:
    """Whether a token is a personal access token or one that it was exchanged for; else it is a legacy token."""
    return claims_of(token) is not None


def _is_whole(token: str) -> bool:
    header, dot, rest = token.partition(".")
    known = _object_in(header) if dot else None
    length = _SIGNATURE_CHARACTERS.get(str((known or {}).get("alg")))
    return claims_of(token) is not None and (length is None or len(rest.partition(".")[2]) == length)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def claims_of(token: str) -> dict[str, Any] | None:
    """Claims of a JSON web token about itself (unverified); None for tokens of another kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    return _object_in(parts[1])


def _object_in(part: str) -> dict[str, Any] | None:
    try:
        content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
