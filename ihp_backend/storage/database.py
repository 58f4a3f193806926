"""Database: a store's tables in a SQLite file of its own, or among those of all stores in PostgreSQL.

| | SQLite | PostgreSQL |
|---|---|---|
| who shares it | the processes of one machine | all machines |
| connections | one per call, or one that stays open | a pool for each process; idle ones are tried before use |
| writers | one at a time (``BEGIN IMMEDIATE``) | one at a time of those with the same turn (an advisory lock) |
| readers | wait for nobody (WAL) | wait for nobody |
| on disk before the block ends | ``synchronous=FULL`` | ``synchronous_commit``, which is switched on where it is off |
| not worth waiting for the disk | ``synchronous=NORMAL`` | ``synchronous_commit=off`` |

Tables are declared once, for both, with SQLAlchemy Core; ``Schema`` brings what an earlier release made up to date.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)

WholeNumber = sql.BigInteger().with_variant(sql.Integer(), "sqlite")
"""Type of whole numbers of 64 bits."""

POOL = 16
"""Connections to PostgreSQL that a process has at most; ``_KEPT`` of them stay open."""

_KEPT = 4
_FRESH = 1.0
_NAMESPACE = "ihp_backend"
_CONNECTING = {"connect_timeout": "5", "keepalives_idle": "30", "tcp_user_timeout": "10000"}
"""Parameters of libpq: a database that does not answer is an error after seconds, not after minutes."""

_STANDSTILL = "-cidle_in_transaction_session_timeout=60000"
"""A machine that stands still amid a transaction must not hold up the others for longer, in milliseconds."""

_IN_MEMORY = Path(":memory:")
_VERSIONS = sql.Table(
    "schema_versions",
    sql.MetaData(),
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("version", sql.Integer, nullable=False),
)
_BEGIN = (
    "BEGIN; SELECT set_config('lock_timeout', '{patience}ms', true), set_config('synchronous_commit', {waiting}, true),"
    " pg_advisory_xact_lock({turn})"
)
"""One message to PostgreSQL and one back; a click has five."""

_SET = "current_setting('synchronous_commit')"
_WAITING = {True: f"CASE {_SET} WHEN 'off' THEN 'on' ELSE {_SET} END", False: "'off'"}


@dataclass(frozen=True)
class Schema:
    """A store's tables, as this release has them.

    Attributes:
        name: of the store, unique in a database.
        tables: they.
        migrations: what changed them since version 1, which is what there was before versions were counted; each makes
            the next version, within the transaction in which it is noted that it did.
    """

    name: str
    tables: sql.MetaData
    migrations: tuple[Callable[[Connection], None], ...] = ()

    @property
    def version(self) -> int:
        """Of this release."""
        return 1 + len(self.migrations)


def postgresql_url(text: str) -> URL:
    """The address of a PostgreSQL database.

    Raises:
        ValueError: it is none, or what talks to PostgreSQL is not installed; the text has no password.
    """
    try:
        url = sql.make_url(text.strip())
    except (ArgumentError, ValueError):
        # The text is not repeated: it may hold a password.
        raise ValueError("IHP_DATABASE: no URL; give postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    if url.drivername.partition("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(
            f"IHP_DATABASE: {url.render_as_string(hide_password=True)} is not of PostgreSQL; give "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or nothing for SQLite files in the data folder"
        )
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"IHP_DATABASE: PostgreSQL cannot be used ({error}); pip install 'ihp-backend[postgresql]'"
        ) from None
    return url.set(drivername="postgresql+psycopg")


class Database:
    """The tables of one store, made where they are missing.

    Args:
        place: a SQLite file, or PostgreSQL's address as ``postgresql_url`` gives it; None keeps them in this process.
        schema: the tables.
        field: names the store in errors.
        busy_seconds: after which others that hold a lock are an error.
        durable: whether what is written must outlive a power failure at once.
        stays_open: whether a SQLite file is opened once for good, for threads that take turns.
        cannot: what an error says.
        made_anew: called after the tables were made anew in a SQLite file that was removed meanwhile.

    Raises:
        StorageError: here and from ``reading`` and ``writing``: it cannot be used, or is of a later release.
    """

    def __init__(
        self,
        place: Path | URL | None,
        schema: Schema,
        field: str,
        *,
        busy_seconds: float = 30.0,
        durable: bool = True,
        stays_open: bool = False,
        cannot: str = "cannot be opened",
        made_anew: Callable[[], None] = lambda: None,
    ) -> None:
        self._field, self._schema, self._busy_seconds, self._durable = field, schema, busy_seconds, durable
        self._url = place if isinstance(place, URL) else None
        if isinstance(place, URL):
            self._engine = _pool(place)
            self._place: Path | str = place.render_as_string(hide_password=True)
        else:
            self._place = place or _IN_MEMORY
            pool: dict[str, Any] = {"poolclass": NullPool}
            if stays_open or place is None:
                # To open and close the file costs more than all that a click does in it.
                pool = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 30.0}
            self._engine = sql.create_engine("sqlite://", creator=lambda: self._connect(), **pool)
        self._made_anew, self._watched = made_anew, False
        self._prepare(cannot)
        self._watched = not stays_open and place is not None

    @property
    def schema(self) -> Schema:
        """The tables."""
        return self._schema

    @property
    def shared(self) -> bool:
        """Whether other machines may use it, too."""
        return self._url is not None

    @contextmanager
    def reading(self, cannot: str = "cannot be read") -> Iterator[Connection]:
        """A connection for the time of the block, outside any transaction."""
        with self._errors(cannot), self._connected(cannot) as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection that sees all as it is when the block begins, whatever others write meanwhile.

        In PostgreSQL it sees the tables of all stores so.
        """
        with self._errors("cannot be read"), self._engine.connect() as connection:
            if self.shared:
                connection.execution_options(isolation_level="REPEATABLE READ")
                # It holds nobody up, however long its owner is busy with something else.
                connection.execute(sql.text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            else:
                connection.exec_driver_sql("BEGIN")
            try:
                sql.inspect(connection).get_table_names()  # What is seen is settled by the first look.
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def writing(self, *turn: str, cannot: str = "cannot be written") -> Iterator[Connection]:
        """A transaction that is on disk after the block, or has not happened if it raises.

        Args:
            turn: names what the block changes after it was read; blocks of one store and turn follow one another. In
                SQLite all blocks do.
            cannot: what an error says.
        """
        with self._errors(cannot), self._connected(cannot) as connection:
            try:
                # Immediately: a reader that turned writer could meet another writer's lock and would fail at once.
                connection.exec_driver_sql(self._begin(turn) if self.shared else "BEGIN IMMEDIATE")
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def replace(self, table: sql.Table, *columns: str) -> Any:
        """The statement that writes rows; where there are rows with their keys, these columns of them, or all."""
        return _replace(self._engine.dialect.name, table, columns)

    def replace_from(self, table: sql.Table, rows: sql.Select[Any]) -> Any:
        """The statement that writes what another one selects, in the order of the columns, as ``replace`` does."""
        return _replace(self._engine.dialect.name, table, (), rows)

    def add_missing(self, table: sql.Table) -> Any:
        """The statement that writes rows, but for those whose keys are there."""
        return _insert(self._engine.dialect.name, table).on_conflict_do_nothing()

    def leave_no_traces(self) -> None:
        """Empties a file's log of changes, in which what was overwritten may stand for long; as far as nobody reads.

        PostgreSQL is told to use the space of what was overwritten anew. Its own log, and backups made of it, are the
        administrator's.
        """
        with self.reading("cannot be written") as connection:
            if not self.shared:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            for table in self._schema.tables.tables.values():
                connection.exec_driver_sql(f"VACUUM {table.name}")

    @contextmanager
    def _connected(self, cannot: str) -> Iterator[Connection]:
        """A connection; a file that was removed gets its tables anew, so that what comes from then on is kept."""
        gone = isinstance(self._place, Path) and self._watched and not self._place.exists()
        if isinstance(self._place, Path) and gone and self._place.parent.is_dir():
            self._place.touch(mode=0o600)
            logger.error("%s: %s was removed and is made anew; what only stood there is lost", self._field, self._place)
            self._prepare(cannot)
            self._made_anew()
        with self._engine.connect() as connection:
            yield connection

    def _begin(self, turn: tuple[str, ...]) -> str:
        return _BEGIN.format(
            patience=round(self._busy_seconds * 1000),
            waiting=_WAITING[self._durable],
            turn=_number("\0".join((self._schema.name, *turn))),
        )

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._place, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self._durable else 'NORMAL'}")
            connection.execute("PRAGMA secure_delete=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, cannot: str) -> None:
        with self.reading(cannot) as connection:
            if self._known(connection) == self._schema.version:
                return
        with self.writing("schema", cannot=cannot) as connection:
            if self.shared:
                # The same turn for all stores: what is made first must be there for all of them.
                connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_number("schema"))))
                if connection.scalar(sql.select(sql.func.current_schema())) is None:
                    name = str(connection.scalar(sql.text("SHOW search_path"))).partition(",")[0].strip('" ')
                    connection.execute(sql.schema.CreateSchema(name, if_not_exists=True))
            known = self._known(connection)
            if known == self._schema.version:
                return
            if known is not None and known > self._schema.version:
                raise StorageError(
                    f"{self._field}: {self._place} was written by a later release (version {known}, this one knows "
                    f"{self._schema.version}); install that release again"
                )
            there = sql.inspect(connection)
            tables = self._schema.tables.sorted_tables
            if known is None and any(there.has_table(table.name) for table in tables):
                known = 1
            if known is not None:
                for migration in self._schema.migrations[known - 1 :]:
                    migration(connection)
            self._schema.tables.create_all(connection)
            for table in tables:
                for index in table.indexes:
                    index.create(connection, checkfirst=True)
            _VERSIONS.create(connection, checkfirst=True)
            connection.execute(self.replace(_VERSIONS), {"name": self._schema.name, "version": self._schema.version})

    def _known(self, connection: Connection) -> int | None:
        if not sql.inspect(connection).has_table(_VERSIONS.name):
            return None
        return connection.scalar(sql.select(_VERSIONS.c.version).where(_VERSIONS.c.name == self._schema.name))

    @contextmanager
    def _errors(self, cannot: str) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            raise ValueError(f"{self._field}: a value fits into no column ({error.orig})") from error
        except SQLAlchemyError as error:
            # Of a statement only what the database said: its values are other people's.
            why = error.orig if isinstance(error, DBAPIError) and isinstance(error.orig, Exception) else error
            raise StorageError.about(self._field, self._place, cannot, why) from error


def _number(text: str) -> int:
    """The advisory lock's number of 64 bits for a text."""
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True
    )


@cache
def _insert(dialect: str, table: sql.Table) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _replace(dialect: str, table: sql.Table, columns: tuple[str, ...], rows: sql.Select[Any] | None = None) -> Any:
    statement, keys = _insert(dialect, table), [column.name for column in table.primary_key]
    if rows is not None:
        statement = statement.from_select([column.name for column in table.columns], rows)
    written = columns or [column.name for column in table.columns if column.name not in keys]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in written}
    )


_pools: dict[URL, Engine] = {}
_pools_lock = threading.Lock()


def _pool(url: URL) -> Engine:
    """The connections of this process to a database, for all stores in it."""
    with _pools_lock:
        if url not in _pools:
            own = str(url.query.get("options", f"-csearch_path={_NAMESPACE}"))
            given = {"options": f"{_STANDSTILL} {own}"}
            given |= {name: value for name, value in _CONNECTING.items() if name not in url.query}
            engine = sql.create_engine(
                url.update_query_dict(given),
                pool_size=_KEPT,
                max_overflow=POOL - _KEPT,
                pool_timeout=10.0,
                isolation_level="AUTOCOMMIT",  # Transactions are begun and ended in so many words.
            )
            sql.event.listen(engine, "checkin", _note_use)
            sql.event.listen(engine, "checkout", partial(_try, engine))
            _pools[url] = engine
        return _pools[url]


def _note_use(_: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _try(engine: Engine, connection: Any, record: Any, _: Any) -> None:
    """A connection that was not used for a second may lead nowhere by now; the pool makes another one then."""
    if time.monotonic() - record.info.get("used", math.inf) < _FRESH:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError(str(error)) from error


def _after_fork() -> None:
    for engine in _pools.values():
        engine.dispose(close=False)  # They are the parent's.


os.register_at_fork(after_in_child=_after_fork)
