"""StorageError, and SQLite files as they are opened here."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_BUSY_SECONDS = 30.0


class StorageError(RuntimeError):
    """Something could not be kept or read; ``disk_full`` tells whether for want of space."""

    def __init__(self, message: str, disk_full: bool = False) -> None:
        super().__init__(message)
        self.disk_full = disk_full

    @classmethod
    def about(cls, field: str, path: Path, what: str, error: Exception) -> StorageError:
        """The error that names a file, what cannot be done with it, why, and the remedy."""
        full = "full" in str(error).lower() or "no space" in str(error).lower()
        remedy = "free some space on its disk" if full else "check that its folder exists and may be written to"
        return cls(f"{field}: {path} {what} ({error}); {remedy}", disk_full=full)


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
