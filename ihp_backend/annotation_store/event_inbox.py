"""EventInbox: every event Label Studio tells, on disk before it is acknowledged.

Label Studio neither repeats an event nor keeps it, so one that is lost here is lost.

Concurrency: SQLite in WAL mode, a connection per call; threads and processes may share the file. ``record`` returns
after the event has reached the disk (synchronous=FULL).
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihp_backend.storage.sqlite import StorageError, leave_no_traces, writing

logger = logging.getLogger(__name__)

EVENTS = "events.sqlite"
"""The event inbox's file in a data folder."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received REAL NOT NULL,
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    payload TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS events_by_kind ON events (kind);
"""
_SECRETS = frozenset({"token", "access_token", "task_data_login", "task_data_password"})
_BUSY_SECONDS = 10.0


@dataclass(frozen=True)
class Event:
    """A stored event: its number (they grow), when it came (Unix seconds), Label Studio's action, and what it said."""

    id: int
    received: float
    kind: str
    payload: dict[str, Any]


class EventInbox:
    """The events of all projects in one SQLite file, created where it is missing.

    Args:
        path: the file; its folder must exist.

    Raises:
        StorageError: the file cannot be opened or is no such database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._create()
        except sqlite3.Error as error:
            raise self._error("cannot be opened", error) from error

    def number_above(self, least: int) -> None:
        """Has events get numbers above ``least``, as those of an earlier file that is gone: no number comes twice.

        Raises:
            StorageError: the file cannot be read or written.
        """
        query = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'"
        try:
            with closing(self._connect()) as connection, connection:
                if (connection.execute(query).fetchone()[0] or 0) < least:
                    connection.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
                    connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (least,))
        except sqlite3.Error as error:
            raise self._error("cannot be written", error) from error

    def record(self, event: Mapping[str, Any]) -> int:
        """Store an event without its tokens and passwords; returns its number once it is on disk.

        Raises:
            StorageError: it could not be stored; nothing was.
            ValueError: the event is nested too deeply for JSON.
        """
        try:
            payload = json.dumps(_without_secrets(event), separators=(",", ":"))
        except RecursionError:
            raise ValueError("event: nested too deeply; Label Studio sends no such event") from None
        project = event.get("project")
        project_id = project.get("id") if isinstance(project, dict) else project
        row = (time.time(), _plain(event.get("action")), _plain(project_id), payload)
        try:
            with closing(self._connect()) as connection, connection:
                connection.execute("PRAGMA synchronous=FULL")
                cursor = connection.execute(
                    "INSERT INTO events (received, kind, project, payload) VALUES (?, ?, ?, ?)", row
                )
                return int(cursor.lastrowid or 0)
        except (sqlite3.Error, OSError) as error:
            raise self._error("cannot be written", error) from error

    def count(self, kind_prefix: str = "", after: int = 0) -> int:
        """Number of stored events whose kind begins so; "ANNOTATION" counts all annotation events.

        Args:
            kind_prefix: what the kind begins with.
            after: only events with a number above it.

        Raises:
            StorageError: the file cannot be read.
        """
        query = "SELECT count(*) FROM events WHERE substr(kind, 1, ?) = ? AND id > ?"
        try:
            with closing(self._connect()) as connection:
                return int(connection.execute(query, (len(kind_prefix), kind_prefix, after)).fetchone()[0])
        except sqlite3.Error as error:
            raise self._error("cannot be read", error) from error

    def events(self, after: int = 0) -> Iterator[Event]:
        """The stored events with a number above ``after``, oldest first; one that cannot be read says nothing.

        Raises:
            StorageError: the file cannot be read.
        """
        query = "SELECT id, received, kind, payload FROM events WHERE id > ? ORDER BY id"
        try:
            with closing(self._connect()) as connection:
                for number, received, kind, payload in connection.execute(query, (after,)):
                    yield Event(number, received, kind, _payload(number, payload))
        except sqlite3.Error as error:
            raise self._error("cannot be read", error) from error

    def forget(self, without: Callable[[dict[str, Any]], dict[str, Any]], last: int, *, dry_run: bool = False) -> int:
        """Replaces what events said by what is to be left of it; gives how many said more.

        Args:
            without: what is left of an event's payload.
            last: number of the last event.
            dry_run: only counts.

        Raises:
            StorageError: the file cannot be read or written; some events may have been replaced.
        """
        changed = 0
        query = "SELECT id, payload FROM events WHERE id <= ? ORDER BY id"
        try:
            with closing(self._connect()) as reader:
                for number, text in reader.execute(query, (last,)):
                    payload = _payload(number, text)
                    left = without(payload)
                    if left == payload:
                        continue
                    changed += 1
                    if not dry_run:
                        with writing(self._path) as connection:
                            row = (json.dumps(left, separators=(",", ":")), number)
                            connection.execute("UPDATE events SET payload = ? WHERE id = ?", row)
            if changed and not dry_run:
                leave_no_traces(self._path)
        except sqlite3.Error as error:
            raise self._error("cannot be changed", error) from error
        return changed

    def _connect(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._create()
            logger.error("inbox: %s was removed and is made anew; events that were in it are lost", self._path)
            self.number_above(int(time.time()))  # More than there ever were.
        return sqlite3.connect(self._path, timeout=_BUSY_SECONDS)

    def _create(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)

    def _error(self, what: str, error: Exception) -> StorageError:
        return StorageError.about("inbox", self._path, what, error)


def _payload(number: int, text: str) -> dict[str, Any]:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        logger.error("event %d cannot be read and is left aside: %s", number, error)
        return {}
    return payload if isinstance(payload, dict) else {}


def _without_secrets(event: Mapping[str, Any]) -> dict[str, Any]:
    """Label Studio puts the project's token and storage passwords into the project, a task's data is left alone."""
    kept = {key: value for key, value in event.items() if key not in _SECRETS}
    if isinstance(kept.get("project"), dict):
        kept["project"] = {key: value for key, value in kept["project"].items() if key not in _SECRETS}
    return kept


def _plain(value: Any) -> str:
    """Short ASCII text; a foreign sender may send anything."""
    return "" if value is None else str(value)[:64].encode("ascii", "backslashreplace").decode()
