"""StorageError, and SQLite files as they are opened here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import disk_usage

_BUSY_SECONDS = 30.0


_MADE_ANEW = "put a copy of it back, or move it away and start server and worker again, which make a new one"
_OTHERWISE = "check that its folder exists and may be written to"
_REMEDIES = (
    ("malformed", f"it is damaged: {_MADE_ANEW}"),
    ("not a database", f"it is damaged: {_MADE_ANEW}"),
    ("no such table", f"it was removed or emptied: {_MADE_ANEW}"),
    ("locked", "another program holds it: end that program, then try again"),
)

_LEAST_FREE = 1 << 17
"""Bytes of a disk that is not full. Of a full one SQLite often says no more than that input or output failed."""


class StorageError(RuntimeError):
    """Something could not be kept or read; ``disk_full`` tells whether for want of space."""

    def __init__(self, message: str, disk_full: bool = False) -> None:
        super().__init__(message)
        self.disk_full = disk_full

    @classmethod
    def about(cls, field: str, path: Path, what: str, error: Exception) -> StorageError:
        """The error that names a file, what cannot be done with it, why, and the remedy."""
        told = str(error).lower()
        full = "full" in told or "no space" in told or _is_full(path.parent)
        remedy = next((remedy for words, remedy in _REMEDIES if words in told), _OTHERWISE)
        remedy = "free some space on its disk" if full else remedy
        return cls(f"{field}: {path} {what} ({error}); {remedy}", disk_full=full)


def _is_full(folder: Path) -> bool:
    try:
        return disk_usage(folder).free < _LEAST_FREE
    except OSError:
        return False


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for the time of the block, outside any transaction."""
    with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
        yield connection


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction that is on disk after the block, or has not happened if it raises."""
    with reading(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        # Immediately: a reader that turned writer could meet another writer's lock and would fail at once.
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def leave_no_traces(path: Path) -> None:
    """Empties the log of a file's changes, in which what was overwritten may stand for long; as far as nobody reads."""
    with reading(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
