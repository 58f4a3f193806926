"""EventInbox: every event Label Studio tells, on disk before it is acknowledged.

Label Studio neither repeats an event nor keeps it, so one that is lost here is lost.

Concurrency: threads and processes may share the database, in PostgreSQL also machines. ``record`` returns after the
event has reached the disk. Events are recorded one at a time: whoever has seen an event's number has been able to see
all that are smaller.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import URL

from ihp_backend.storage.database import Database, Schema, WholeNumber

logger = logging.getLogger(__name__)

EVENTS = "events.sqlite"
"""The event inbox's file in a data folder."""

_TABLES = sql.MetaData()
_EVENTS = sql.Table(
    "events",
    _TABLES,
    sql.Column("id", WholeNumber, primary_key=True, autoincrement=True),
    sql.Column("received", sql.Double, nullable=False),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("project", sql.Text, nullable=False),
    sql.Column("payload", sql.Text, nullable=False),
    sql.Index("events_by_kind", "kind"),
    sqlite_autoincrement=True,  # Else the number of the last event, once it is gone, would be given again.
)
_SCHEMA = Schema("events", _TABLES)
_RECORD = sql.insert(_EVENTS).returning(_EVENTS.c.id)
_LAST = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'"
_SECRETS = frozenset({"token", "access_token", "task_data_login", "task_data_password"})
_BUSY_SECONDS = 10.0
_PAGE = 50
"""Events read at a time; with all their masks, some have a megabyte each."""


@dataclass(frozen=True)
class Event:
    """A stored event: its number (they grow), when it came (Unix seconds), Label Studio's action, and what it said."""

    id: int
    received: float
    kind: str
    payload: dict[str, Any]


class EventInbox:
    """The events of all projects.

    Args:
        place: a SQLite file, created where it is missing in a folder that exists, or PostgreSQL's address.

    Raises:
        StorageError: the database cannot be opened or is none.
    """

    def __init__(self, place: Path | URL) -> None:
        self._database = Database(
            place,
            _SCHEMA,
            "inbox",
            busy_seconds=_BUSY_SECONDS,
            made_anew=lambda: self.number_above(int(time.time())),  # More than there ever were.
        )

    def number_above(self, least: int) -> None:
        """Has events of a SQLite file get numbers above ``least``, as those of an earlier file that was removed: no
        number comes twice.

        Raises:
            StorageError: the file cannot be read or written.
        """
        if self._database.shared:
            return
        with self._database.reading() as connection:
            if (connection.exec_driver_sql(_LAST).scalar() or 0) >= least:
                return
        with self._database.writing() as connection:
            if (connection.exec_driver_sql(_LAST).scalar() or 0) < least:
                connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'events'")
                connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)", (least,))

    @property
    def database(self) -> Database:
        """Its tables."""
        return self._database

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
        row = {"kind": _plain(event.get("action")), "project": _plain(project_id), "payload": payload}
        with self._database.writing() as connection:
            return connection.scalars(_RECORD, {**row, "received": time.time()}).one()

    def count(self, kind_prefix: str = "", after: int = 0) -> int:
        """Number of stored events whose kind begins so; "ANNOTATION" counts all annotation events.

        Args:
            kind_prefix: what the kind begins with.
            after: only events with a number above it.

        Raises:
            StorageError: the database cannot be read.
        """
        begins_so = sql.func.substr(_EVENTS.c.kind, 1, len(kind_prefix)) == kind_prefix
        query = sql.select(sql.func.count()).select_from(_EVENTS).where(begins_so, _EVENTS.c.id > after)
        with self._database.reading() as connection:
            return connection.scalars(query).one()

    def events(self, after: int = 0) -> Iterator[Event]:
        """The stored events with a number above ``after``, oldest first; one that cannot be read says nothing.

        Raises:
            StorageError: the database cannot be read.
        """
        for number, received, kind, payload in self._rows(after):
            yield Event(number, received, kind, _payload(number, payload))

    def forget(self, without: Callable[[dict[str, Any]], dict[str, Any]], last: int, *, dry_run: bool = False) -> int:
        """Replaces what events said by what is to be left of it; gives how many said more.

        Args:
            without: what is left of an event's payload.
            last: number of the last event.
            dry_run: only counts.

        Raises:
            StorageError: the database cannot be read or written; some events may have been replaced.
        """
        changed = 0
        for number, _, _, text in self._rows(0, last):
            payload = _payload(number, text)
            left = without(payload)
            if left == payload:
                continue
            changed += 1
            if not dry_run:
                text = json.dumps(left, separators=(",", ":"))
                with self._database.writing(cannot="cannot be changed") as connection:
                    connection.execute(sql.update(_EVENTS).where(_EVENTS.c.id == number).values(payload=text))
        if changed and not dry_run:
            self._database.leave_no_traces()
        return changed

    def _rows(self, after: int, last: int | None = None) -> Iterator[tuple[int, float, str, str]]:
        """Rows by number, a page at a time, so that nothing is held open meanwhile."""
        columns = (_EVENTS.c.id, _EVENTS.c.received, _EVENTS.c.kind, _EVENTS.c.payload)
        while True:
            query = sql.select(*columns).where(_EVENTS.c.id > after).order_by(_EVENTS.c.id).limit(_PAGE)
            if last is not None:
                query = query.where(_EVENTS.c.id <= last)
            with self._database.reading() as connection:
                rows = connection.execute(query).all()
            for row in rows:
                yield row.id, row.received, row.kind, row.payload
            if len(rows) < _PAGE:
                return
            after = rows[-1].id


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
    """Short ASCII text without NUL, which PostgreSQL takes in no text; a foreign sender may send anything."""
    return "" if value is None else str(value)[:64].encode("ascii", "backslashreplace").decode().replace("\0", "\\x00")
