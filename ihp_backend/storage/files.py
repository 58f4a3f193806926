"""Files: bytes by name, each replaced as a whole, in a folder or in storage that other machines reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ihp_backend.storage.atomic_files import write_whole
from ihp_backend.storage.storage_error import StorageError


class Files(Protocol):
    """Bytes by name; "/" parts names.

    Every method raises ``StorageError`` where they cannot be read or written.
    """

    def place(self, name: str) -> Path | str:
        """Where one is, for people."""

    def read(self, name: str) -> bytes | None:
        """What is in one; None: there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Makes or replaces one, which is there for good then."""

    def has(self, name: str) -> bool:
        """Whether there is one."""

    def remove(self, name: str) -> None:
        """Removes one, if it is there."""

    def modified(self, below: str = "") -> dict[str, float]:
        """When each was written (Unix seconds), by its name.

        Args:
            below: only those whose names begin with it and "/".
        """


class FolderFiles:
    """Files in a folder.

    Args:
        folder: theirs; made where it is needed.
        field: names them in errors.
    """

    def __init__(self, folder: Path, field: str) -> None:
        self._folder, self._field = folder, field

    def place(self, name: str) -> Path:
        """Where one is, for people."""
        return self._folder / name

    def read(self, name: str) -> bytes | None:
        """What is in one; None: there is none."""
        with self._errors(name, "cannot be read"):
            try:
                return self.place(name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Makes or replaces one, which is there for good then."""
        with self._errors(name, "cannot be written"):
            self.place(name).parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.place(name), content)

    def has(self, name: str) -> bool:
        """Whether there is one."""
        return self.place(name).is_file()

    def remove(self, name: str) -> None:
        """Removes one, if it is there."""
        with self._errors(name, "cannot be removed"):
            self.place(name).unlink(missing_ok=True)

    def modified(self, below: str = "") -> dict[str, float]:
        """When each was written (Unix seconds), by its name."""
        found = {}
        with self._errors(below, "cannot be read"):
            # Others may make and remove files meanwhile, and whole folders of them.
            for folder, _, names in os.walk(self.place(below), onerror=_unless_gone):
                for path in (Path(folder, name) for name in names if not name.startswith(".")):
                    with suppress(FileNotFoundError):
                        if path.is_file():
                            found[path.relative_to(self._folder).as_posix()] = path.stat().st_mtime
        return found

    @contextmanager
    def _errors(self, name: str, cannot: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError.about(self._field, self.place(name), cannot, error) from error


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


class RemoteFiles:
    """Files in storage that fsspec reaches, such as S3 and what speaks its protocol.

    Args:
        address: as ``storage_address`` gives it, with the names of folders after it.
        field: names them in errors.
    """

    def __init__(self, address: str, field: str) -> None:
        self._address, self._field = address.rstrip("/"), field
        self._opened: tuple[int, Any, str] | None = None

    def place(self, name: str) -> str:
        """Where one is, for people."""
        return f"{self._address}/{name}" if name else self._address

    def read(self, name: str) -> bytes | None:
        """What is in one; None: there is none."""
        with self._errors(name, "cannot be read") as (system, path):
            try:
                return bytes(system.cat_file(path))
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """Makes or replaces one, which is there for good then."""
        with self._errors(name, "cannot be written") as (system, path):
            system.pipe_file(path, content)

    def has(self, name: str) -> bool:
        """Whether there is one."""
        with self._errors(name, "cannot be read") as (system, path):
            return bool(system.exists(path))

    def remove(self, name: str) -> None:
        """Removes one, if it is there."""
        with self._errors(name, "cannot be removed") as (system, path), suppress(FileNotFoundError):
            system.rm_file(path)

    def modified(self, below: str = "") -> dict[str, float]:
        """When each was written (Unix seconds), by its name."""
        with self._errors(below, "cannot be read") as (system, path):
            try:
                found = system.find(path, detail=True)
            except FileNotFoundError:
                return {}
            root = path[: len(path) - len(below)].rstrip("/") if below else path
            return {name[len(root) + 1 :]: _modified(system, name, info) for name, info in found.items()}

    @contextmanager
    def _errors(self, name: str, cannot: str) -> Iterator[tuple[Any, str]]:
        try:
            if self._opened is None or self._opened[0] != os.getpid():
                self._opened = (os.getpid(), *_open(self._address))
            _, system, root = self._opened
            yield system, f"{root}/{name}" if name else root
        except Exception as error:  # Libraries of storage have errors of their own, and no class that all share.
            raise StorageError.about(self._field, self.place(name), cannot, error, _REMEDY) from error


_REMEDY = "check IHP_STORAGE, the storage's credentials and that it can be reached"
_PATIENCE = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 3}}


def storage_address(text: str) -> Path | str:
    """Where files are that all machines share: a folder that all have mounted, or an address for fsspec.

    Raises:
        ValueError: it is neither, or what reaches it is not installed.
    """
    text = text.strip()
    scheme, found, place = text.partition("://")
    if not found or scheme == "file":
        path = Path(text.removeprefix("file://"))
        with suppress(RuntimeError):  # A user who is not known here.
            path = path.expanduser()
        if not path.is_absolute():
            raise ValueError(
                f"IHP_STORAGE: {text} is no whole path; give one, or an address such as s3://BUCKET/PREFIX"
            )
        return path
    if scheme in ("http", "https"):
        raise ValueError(
            f"IHP_STORAGE: {text} can only be read; give an address such as s3://BUCKET/PREFIX "
            "(an S3 server of your own is named in AWS_ENDPOINT_URL)"
        )
    if not place.strip("/"):
        raise ValueError(f"IHP_STORAGE: {text} names no place; give an address such as s3://BUCKET/PREFIX")
    try:
        from fsspec import get_filesystem_class

        get_filesystem_class(scheme)
    except (ImportError, ValueError) as error:
        raise ValueError(
            f"IHP_STORAGE: {scheme}:// cannot be used ({error}); for S3 pip install 'ihp-backend[s3]'"
        ) from None
    return text


def _modified(system: Any, name: str, info: dict[str, Any]) -> float:
    """When a file was written: most systems say so in their lists, each in its own word."""
    when = info.get("LastModified") or info.get("mtime") or system.modified(name)
    return float(when.timestamp() if isinstance(when, datetime) else when)


def _open(address: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    options: dict[str, Any] = {"use_listings_cache": False}  # Others write there, too.
    if address.startswith(("s3://", "s3a://")):
        options["config_kwargs"] = _PATIENCE
    system, root = url_to_fs(address, **options)
    return system, str(root).rstrip("/")
