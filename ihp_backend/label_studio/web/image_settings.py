"""Settings of image fetching."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.web.label_studio_address import LabelStudioAddress, base_url

_KEY_FILE = "LABEL_STUDIO_API_KEY_FILE"


@dataclass(frozen=True)
class ImageSettings:
    """How images are fetched and kept.

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
        label_studio_url: address of Label Studio as seen from here, with its sub-path if it has one.
        label_studio_api_key: legacy token or personal access token; goes to `label_studio_url` only.

    Raises:
        ValueError: a limit that is not positive, a root that is no folder, an address that is none.
    """

    cache_dir: Path | None = None
    cache_bytes: int = 2 * 1024**3
    max_bytes: int = 64 * 1024**2
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    total_seconds: float = 60.0
    allow_private_addresses: bool = False
    local_files_root: Path | None = None
    label_studio_url: str | None = None
    label_studio_api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("cache_bytes", "max_bytes", "connect_seconds", "read_seconds", "total_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)} is not positive")
        if self.local_files_root is not None and not self.local_files_root.is_dir():
            raise ValueError(
                f"local_files_root: {self.local_files_root} is no folder; give the folder that "
                "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT names in Label Studio"
            )
        if self.label_studio_url is not None:
            try:
                base_url(self.label_studio_url)
            except ValueError:
                raise ValueError(
                    f"label_studio_url: {self.label_studio_url!r} is no absolute address; give one like "
                    "http://label-studio:8080"
                ) from None

    def label_studio(self, access_token: str | None = None) -> LabelStudioAddress | None:
        """The Label Studio that the operator named; None where none is.

        Args:
            access_token: used where the operator named no token.
        """
        if not self.label_studio_url:
            return None
        token = self.label_studio_api_key or access_token or None
        return LabelStudioAddress(base_url(self.label_studio_url), token, configured=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **explicit: Any) -> ImageSettings:
        """Settings from LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY or LABEL_STUDIO_API_KEY_FILE (a file with the key in
        it), IHP_LOCAL_FILES_ROOT, IHP_ALLOW_PRIVATE_ADDRESSES and IHP_DATA_DIR (its ``cache/images`` becomes the
        cache folder).

        Args:
            environment: variables by name; by default those of the process. Empty ones count as not set.
            explicit: attributes that win over the environment.

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
            if text := variables.get(variable, "").strip():
                values[name] = text
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
        return cls(**{**values, **explicit})


def _key_in(file: Path) -> str:
    try:
        key = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ValueError(
            f"{_KEY_FILE}: {file} cannot be read ({error.strerror}); check that it exists and may be read"
        ) from None
    except UnicodeDecodeError:
        # Not the error's own text, which shows a part of what is in the file.
        raise ValueError(f"{_KEY_FILE}: {file} is no text; write the token into it and nothing else") from None
    if not key:
        raise ValueError(f"{_KEY_FILE}: {file} is empty; write the token into it")
    return key
