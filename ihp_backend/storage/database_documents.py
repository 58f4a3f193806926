"""DatabaseDocuments: documents in a database, claimed by leases, for all machines that share it."""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event, Thread
from uuid import uuid4

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection

from ihp_backend.storage.database import Database, Schema
from ihp_backend.storage.documents import Claim
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

LEASE = 60.0
"""Seconds after which a claim ends whose process was not heard of; it is renewed four times within them."""

_TABLES = sql.MetaData()
DOCUMENTS = sql.Table(
    "documents",
    _TABLES,
    sql.Column("home", sql.Text, primary_key=True),
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("stamp", sql.Text, nullable=False),
)
_LEASES = sql.Table(
    "leases",
    _TABLES,
    sql.Column("home", sql.Text, primary_key=True),
    sql.Column("owner", sql.Text, nullable=False),
    sql.Column("until", sql.Double, nullable=False),
)
_SCHEMA = Schema("documents", _TABLES)


@cache
def documents_database(place: Path | URL) -> Database:
    """The database of ``DatabaseDocuments``, opened once; raises ``StorageError``."""
    return Database(place, _SCHEMA, "documents")


class DatabaseDocuments:
    """Documents in a database, for all machines that share it.

    Args:
        database: from ``documents_database``.
        home: names what they belong to.
        lease: seconds; None: ``LEASE``.
    """

    def __init__(self, database: Database, home: str, lease: float | None = None) -> None:
        self._database, self._home, self._lease = database, home, lease or LEASE

    def place(self, name: str) -> str:
        """Where a document is, for people."""
        return _place(self._home, name)

    def read(self, name: str) -> str | None:
        """A document; None: there is none."""
        with self._database.reading() as connection:
            return self._held(connection).read(name)

    def write(self, name: str, text: str) -> None:
        """Replaces a document in one step; it is on disk then."""
        with self.alone() as held:
            held.write(name, text)

    def remove(self, name: str) -> None:
        """Removes a document, if it is there."""
        with self.alone() as held:
            held.remove(name)

    def stamp(self, name: str) -> Hashable | None:
        """Differs whenever a document was written; None: there is none."""
        with self._database.reading() as connection:
            return self._held(connection).stamp(name)

    @contextmanager
    def alone(self) -> Iterator[_Held]:
        """The texts for a block of moments that reads and writes them; such blocks wait for one another."""
        with self._database.writing(self._home) as connection:
            yield self._held(connection)

    @contextmanager
    def claim(self) -> Iterator[Claim | None]:
        """They belong to whoever is in the block, which may take hours; None where they belong to somebody else."""
        owner = uuid4().hex
        with self._database.writing("lease", self._home) as connection:
            now = self._now(connection)
            taken = self._until(connection) > now
            if not taken:
                row = {"home": self._home, "owner": owner, "until": now + self._lease}
                connection.execute(self._database.replace(_LEASES), row)
        if taken:
            yield None
            return
        claim, ended = Claim(lambda: self._renewed(owner)), Event()
        heart = Thread(target=self._beat, args=(claim, ended), daemon=True)
        heart.start()
        try:
            yield claim
        finally:
            ended.set()
            heart.join()
            try:
                with self._database.writing("lease", self._home) as connection:
                    connection.execute(sql.delete(_LEASES).where(self._mine(owner)))
            except StorageError as error:
                logger.warning("%s is given back in %.0f s: %s", self._home, self._lease, error)

    def claimed(self) -> bool:
        """Whether somebody claims them."""
        with self._database.reading() as connection:
            return self._until(connection) > self._now(connection)

    def _held(self, connection: Connection) -> _Held:
        return _Held(connection, self._database, self._home)

    def _beat(self, claim: Claim, ended: Event) -> None:
        while not ended.wait(self._lease / 4):
            try:
                if not claim.confirm():
                    return
            except StorageError as error:
                logger.warning("%s may be claimed by another worker: %s", self._home, error)

    def _renewed(self, owner: str) -> bool:
        with self._database.writing("lease", self._home) as connection:
            until = self._now(connection) + self._lease
            return connection.execute(sql.update(_LEASES).where(self._mine(owner)).values(until=until)).rowcount == 1

    def _mine(self, owner: str) -> sql.ColumnElement[bool]:
        return sql.and_(_LEASES.c.home == self._home, _LEASES.c.owner == owner)

    def _until(self, connection: Connection) -> float:
        return connection.scalar(sql.select(_LEASES.c.until).where(_LEASES.c.home == self._home)) or 0.0

    def _now(self, connection: Connection) -> float:
        # By one clock, that of the database: those of machines differ.
        if not self._database.shared:
            return time.time()
        return float(connection.scalars(sql.text("SELECT extract(epoch FROM clock_timestamp())")).one())


class _Held:
    """``DatabaseDocuments`` within a transaction."""

    def __init__(self, connection: Connection, database: Database, home: str) -> None:
        self._connection, self._database, self._home = connection, database, home

    def place(self, name: str) -> str:
        return _place(self._home, name)

    def read(self, name: str) -> str | None:
        return self._connection.scalar(sql.select(DOCUMENTS.c.text).where(_at(self._home, name)))

    def write(self, name: str, text: str) -> None:
        row = {"home": self._home, "name": name, "text": text, "stamp": uuid4().hex}
        self._connection.execute(self._database.replace(DOCUMENTS), row)

    def remove(self, name: str) -> None:
        self._connection.execute(sql.delete(DOCUMENTS).where(_at(self._home, name)))

    def stamp(self, name: str) -> Hashable | None:
        return self._connection.scalar(sql.select(DOCUMENTS.c.stamp).where(_at(self._home, name)))


def _place(home: str, name: str) -> str:
    return f"{home}/{name} in the database"


def _at(home: str, name: str) -> sql.ColumnElement[bool]:
    return sql.and_(DOCUMENTS.c.home == home, DOCUMENTS.c.name == name)
