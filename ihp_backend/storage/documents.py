"""Documents: small texts by name, each replaced as a whole, and who has them to himself; here in a folder.

| | ``FolderDocuments`` | ``DatabaseDocuments`` |
|---|---|---|
| a document | a file | a row |
| alone, for a moment | a lock on a file | a transaction's turn |
| a claim, for hours | a lock on a file, which ends with its process | a lease, renewed while its process lives |
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from ihp_backend.storage.atomic_files import write_whole

_LOCK = ".lock"


class Texts(Protocol):
    """Texts that belong together, such as those of one project's fine-tuning jobs.

    Every method raises ``OSError`` or ``StorageError`` where they cannot be read or written.
    """

    def place(self, name: str) -> str:
        """Where a document is, for people."""

    def read(self, name: str) -> str | None:
        """A document; None: there is none."""

    def write(self, name: str, text: str) -> None:
        """Replaces a document in one step; it is on disk then."""

    def remove(self, name: str) -> None:
        """Removes a document, if it is there."""

    def stamp(self, name: str) -> Hashable | None:
        """Differs whenever a document was written; None: there is none."""


class Documents(Texts, Protocol):
    """Texts that one process at a time may have to itself."""

    def alone(self) -> AbstractContextManager[Texts]:
        """The texts for a block of moments that reads and writes them; such blocks wait for one another."""

    def claim(self) -> AbstractContextManager[Claim | None]:
        """They belong to whoever is in the block, which may take hours; None where they belong to somebody else."""

    def claimed(self) -> bool:
        """Whether somebody claims them."""


class Claim:
    """A claim while its block runs.

    Args:
        renew: says again that it holds, and whether it does.
    """

    def __init__(self, renew: Callable[[], bool] = lambda: True) -> None:
        self._renew, self._lost = renew, False

    @property
    def lost(self) -> bool:
        """Whether somebody else has claimed meanwhile what this process was not heard of about."""
        return self._lost

    def confirm(self) -> bool:
        """Whether it holds, as everybody sees it now; raises ``StorageError`` if that cannot be told."""
        self._lost = self._lost or not self._renew()
        return not self._lost


class FolderDocuments:
    """Documents in a folder, for the processes of one machine.

    Args:
        folder: theirs; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, name: str) -> str:
        """Where a document is, for people."""
        return str(self._folder / name)

    def read(self, name: str) -> str | None:
        """A document; None: there is none."""
        try:
            return (self._folder / name).read_text()
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """Replaces a document in one step; it is on disk then."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_whole(self._folder / name, text)

    def remove(self, name: str) -> None:
        """Removes a document, if it is there."""
        (self._folder / name).unlink(missing_ok=True)

    def stamp(self, name: str) -> Hashable | None:
        """Differs whenever a document was written; None: there is none."""
        try:
            found = (self._folder / name).stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_ino

    @contextmanager
    def alone(self) -> Iterator[Texts]:
        """The texts for a block of moments that reads and writes them; such blocks wait for one another."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self

    @contextmanager
    def claim(self) -> Iterator[Claim | None]:
        """They belong to whoever is in the block, which may take hours; None where they belong to somebody else."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield Claim()

    def claimed(self) -> bool:
        """Whether somebody claims them."""
        try:
            with (self._folder / _LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False
