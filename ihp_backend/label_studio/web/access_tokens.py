"""The Authorization header for Label Studio, from either kind of token it gives out.

A legacy token (40 hexadecimal digits) is sent as it is. A personal access token is a refresh token: Label
Studio refuses it in the header and exchanges it at ``/api/token/refresh/`` for an access token that lives five
minutes, which is kept here and renewed before it ends.

Concurrency: one lock guards the table and is held while a token is exchanged, so that many threads with an
ended token cause one exchange.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ihp_backend.label_studio.web.image_errors import ImageFetchError, shown
from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress

# Of an access token that does not say how long it lives; Label Studio's live 300 s.
_DEFAULT_LIFE = 240.0
_MOST_KEPT = 32

Exchange = Callable[[LabelStudioAddress, str, dict[str, str]], tuple[int, bytes]]
"""POST a JSON object to an address of a Label Studio: status and body."""


class AccessTokens:
    """Authorization headers, with access tokens kept until shortly before their end."""

    def __init__(self, exchange: Exchange, clock: Callable[[], float] = time.monotonic) -> None:
        self._exchange = exchange
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}

    def header(self, label_studio: LabelStudioAddress) -> dict[str, str]:
        """``{"Authorization": ...}`` for a request to `label_studio`; empty where no token is known.

        Raises:
            ImageFetchError: the personal access token could not be exchanged.
        """
        token = label_studio.token
        if not token:
            return {}
        claims = claims_of(token)
        if claims is None:
            return {"Authorization": f"Token {token}"}
        if claims.get("token_type") == "access":
            return {"Authorization": f"Bearer {token}"}
        key = (label_studio.base, token)
        with self._lock:
            access, renew_at = self._kept.get(key, ("", 0.0))
            if not access or self._clock() >= renew_at:
                access, life = self._refresh(label_studio, token)
                self._kept.pop(key, None)
                # Handed-over tokens come from requests: without a bound they could fill the memory.
                while len(self._kept) >= _MOST_KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[key] = access, self._clock() + life - min(30.0, life / 4)
        return {"Authorization": f"Bearer {access}"}

    def renew(self, label_studio: LabelStudioAddress, refused: dict[str, str]) -> bool:
        """Forget the access token in the `refused` header; False if the token is none that can be renewed."""
        with self._lock:
            for key, (access, _) in self._kept.items():
                if key[0] == label_studio.base and refused.get("Authorization") == f"Bearer {access}":
                    del self._kept[key]
                    return True
        # Another thread may have renewed it meanwhile: worth the second try, too.
        return bool(label_studio.token) and (claims_of(str(label_studio.token)) or {}).get("token_type") == "refresh"

    def _refresh(self, label_studio: LabelStudioAddress, token: str) -> tuple[str, float]:
        """The new access token and its life in seconds."""
        url = f"{label_studio.base}/api/token/refresh/"
        status, body = self._exchange(label_studio, url, {"refresh": token})
        if status in (401, 403):
            raise ImageFetchError(
                f"{shown(url)}: {status}, Label Studio refused the personal access token; create a new one in its "
                "Account & Settings and set LABEL_STUDIO_API_KEY to it"
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


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def claims_of(token: str) -> dict[str, Any] | None:
    """What a JSON web token says about itself (unverified); None for tokens of another kind."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
