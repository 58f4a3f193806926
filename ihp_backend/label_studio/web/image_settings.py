"""Settings of image fetching."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.web.access_tokens import cleaned_token, why_no_token
from ihp_backend.label_studio.web.label_studio_address import (
    LabelStudioAddress,
    base_url,
    login_in,
    unwrapped,
    why_no_address,
    without_login,
)

logger = logging.getLogger(__name__)

_KEY_FILE = "LABEL_STUDIO_API_KEY_FILE"
_COPY_AGAIN = "copy it again, whole and without anything else, from Label Studio's Account & Settings"


@dataclass(frozen=True)
class ImageSettings:
    """Settings for fetching and keeping images.

    Attributes:
        cache_dir: folder of fetched images; None keeps none.
        cache_bytes: most bytes kept there, in all.
        max_bytes: largest accepted image file, in bytes.
        connect_seconds: longest wait for a connection.
        read_seconds: longest wait between two pieces of an answer.
        total_seconds: longest time for one image, redirects included.
        allow_private_addresses: True also fetches from addresses that only exist in the local network. The
            Label Studio in use is always reached; cloud metadata services and link-local addresses never.
        local_files_root: folder that Label Studio serves as ``/data/local-files/``; files in it are read
            directly. None: never, they are fetched from Label Studio.
        label_studio_url: address of Label Studio as seen from here, with its sub-path if it has one. A user and a
            password in it are for the basic auth of a server in front of it, and are moved to `label_studio_login`.
        label_studio_api_key: legacy token or personal access token; goes to `label_studio_url` only.
        label_studio_login: ``user:password``.
        proxies: False goes round the proxies of the environment, for servers on this machine.
        notes: what was wrong with the address and the token and is set right, for people.

    Raises:
        ValueError: a limit that is not positive, a root that is no folder, an address that is none, a token that
            cannot be sent or is not whole.
    """

    cache_dir: Path | None = None
    cache_bytes: int = 2 * 1024**3
    max_bytes: int = 128 * 1024**2
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    allow_private_addresses: bool = False
    local_files_root: Path | None = None
    label_studio_url: str | None = None
    label_studio_api_key: str | None = field(default=None, repr=False)
    label_studio_login: str | None = field(default=None, repr=False)
    proxies: bool = True
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for name in ("cache_bytes", "max_bytes", "connect_seconds", "read_seconds", "total_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)} is not positive")
        if self.local_files_root is not None and not self.local_files_root.is_dir():
            raise ValueError(
                f"IHP_LOCAL_FILES_ROOT (--local-files-root): {self.local_files_root} is no folder; give the "
                "folder that LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names in Label Studio"
            )
        if self.label_studio_url is not None:
            self._read_address(self.label_studio_url)
        if self.label_studio_api_key:
            key, left_out = cleaned_token(self.label_studio_api_key)
            if why := why_no_token(key):
                raise ValueError(f"LABEL_STUDIO_API_KEY: the token {why}; {_COPY_AGAIN}")
            if left_out:
                self._set(label_studio_api_key=key)
                self._note(f"LABEL_STUDIO_API_KEY: {left_out} left out, the token alone is sent")

    def _read_address(self, given: str) -> None:
        url = unwrapped(given)
        if why := why_no_address(url):
            raise ValueError(f"LABEL_STUDIO_URL: {why}")
        if url != given:
            self._note("LABEL_STUDIO_URL: white space or quotes around the address left out")
        if (login := login_in(url)) is not None:
            self._set(label_studio_login=login)
        self._set(label_studio_url=without_login(url))

    def _note(self, text: str) -> None:
        self._set(notes=(*self.notes, text))

    def _set(self, **values: Any) -> None:
        """Sets values before the settings are in use: they are frozen."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def label_studio(self, access_token: str | None = None) -> LabelStudioAddress | None:
        """The Label Studio that the operator named; None where none is.

        Args:
            access_token: used where the operator named no token.
        """
        if not self.label_studio_url:
            return None
        token = self.label_studio_api_key or access_token or None
        return LabelStudioAddress(base_url(self.label_studio_url), token, True, self.label_studio_login)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **explicit: Any) -> ImageSettings:
        """Settings from LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY or LABEL_STUDIO_API_KEY_FILE (a file with the key in
        it), IHP_LOCAL_FILES_ROOT, IHP_ALLOW_PRIVATE_ADDRESSES and IHP_DATA_DIR (its ``cache/images`` becomes the
        cache folder).

        Args:
            environment: variables by name; by default those of the process. Empty ones count as not set.
            explicit: attributes that win over the environment.

        What was set right is logged, too.

        Raises:
            ValueError: as the class itself, IHP_ALLOW_PRIVATE_ADDRESSES is neither 0 nor 1 (false, true), or the
                file of the key cannot be read, is empty, or is named although the key itself is set.
        """
        variables = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for name, variable in (
            ("label_studio_url", "LABEL_STUDIO_URL"),
            ("label_studio_api_key", "LABEL_STUDIO_API_KEY"),
        ):
            if variables.get(variable, "").strip():
                values[name] = variables[variable]
        if text := variables.get(_KEY_FILE, "").strip():
            if "label_studio_api_key" in values:
                raise ValueError(f"{_KEY_FILE}: {text} is set and LABEL_STUDIO_API_KEY too; unset one of them")
            values["label_studio_api_key"] = _key_in(Path(text))
        if text := variables.get("IHP_LOCAL_FILES_ROOT", ""):
            values["local_files_root"] = Path(text)
        if text := variables.get("IHP_DATA_DIR", ""):
            values["cache_dir"] = Path(text) / "cache" / "images"
        if text := variables.get("IHP_ALLOW_PRIVATE_ADDRESSES", "").strip().lower():
            if text not in ("0", "1", "false", "true"):
                raise ValueError(f"IHP_ALLOW_PRIVATE_ADDRESSES: {text!r} is neither 0 nor 1; set one of them")
            values["allow_private_addresses"] = text in ("1", "true")
        settings = cls(**{**values, **explicit})
        for note in settings.notes:
            logger.warning("%s", note)
        return settings


def _key_in(file: Path) -> str:
    try:
        key = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ValueError(
            f"{_KEY_FILE}: {file} cannot be read ({error.strerror}); check that it exists and may be read"
        ) from None
    except UnicodeDecodeError:
        # The error's own text is left out, since it shows a part of the file.
        raise ValueError(f"{_KEY_FILE}: {file} is no text; write the token into it and nothing else") from None
    if not key:
        raise ValueError(f"{_KEY_FILE}: {file} is empty; write the token into it")
    if why := why_no_token(cleaned_token(key)[0]):
        raise ValueError(f"{_KEY_FILE}: the token in {file} {why}; {_COPY_AGAIN}")
    return key
