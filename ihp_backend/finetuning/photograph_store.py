"""PhotographStore: the photographs of accepted work, kept under the sum of their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ihp_backend.storage.atomic_files import write_whole
from ihp_backend.storage.sqlite import StorageError


class PhotographStore:
    """Image files below one folder, each once; what Label Studio loses is still here.

    Raises:
        StorageError: here and from ``put``: the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.about("photographs", folder, "cannot be created", error) from error

    def put(self, data: bytes) -> str:
        """Keeps an image file; gives the sum by which it is found."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        try:
            write_whole(path, data)
        except OSError as error:
            raise StorageError.about("photographs", path, "cannot be written", error) from error
        return digest

    def path(self, digest: str) -> Path:
        """Path of the file with that checksum."""
        return self._folder / digest
