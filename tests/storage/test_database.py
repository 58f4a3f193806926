"""Databases: turns, errors, schemas of other releases; PostgreSQL that goes away and comes back."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Event

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.clicks.prompts import PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.storage.database import POOL, Database, Schema, postgresql_url
from ihp_backend.storage.storage_error import StorageError
from tests.postgresql_server import PASSWORD, PostgresqlServer, postgresql_server, programs

TABLES = sql.MetaData()
COUNTS = sql.Table(
    "counts",
    TABLES,
    sql.Column("name", sql.Text, primary_key=True),
    sql.Column("number", sql.Integer, nullable=False),
)
SCHEMA = Schema("counts", TABLES)
NUMBER = sql.select(COUNTS.c.number).where(COUNTS.c.name == "a")


def counting(place: Path | URL, schema: Schema = SCHEMA, **more: float) -> Database:
    return Database(place, schema, "counts", **more)  # type: ignore[arg-type]


def write(database: Database, number: int) -> None:
    with database.writing() as connection:
        connection.execute(database.replace(COUNTS), {"name": "a", "number": number})


def number(database: Database) -> int | None:
    with database.reading() as connection:
        return connection.scalar(NUMBER)


def test_whoever_reads_and_then_writes_takes_turns(database_place: Path | URL) -> None:
    databases = [counting(database_place) for _ in range(4)]
    write(databases[0], 0)

    def count(which: int) -> None:
        for _ in range(25):
            with databases[which].writing() as connection:
                found = connection.scalars(NUMBER).one()
                connection.execute(databases[which].replace(COUNTS), {"name": "a", "number": found + 1})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    assert number(databases[0]) == 100


def test_what_fails_has_not_happened(database_place: Path | URL) -> None:
    database = counting(database_place)
    write(database, 1)

    def fail() -> None:
        with database.writing() as connection:
            connection.execute(database.replace(COUNTS), {"name": "a", "number": 2})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert number(database) == 1
    with pytest.raises(StorageError, match=r"counts: .* cannot be written \(.*(NOT NULL|not-null)"):
        write(database, None)  # type: ignore[arg-type]
    assert number(database) == 1


def test_whoever_waits_too_long_is_told_and_readers_do_not_wait(database_place: Path | URL) -> None:
    database, hurried = counting(database_place), counting(database_place, busy_seconds=0.2)
    write(database, 1)
    with database.writing():
        assert number(hurried) == 1
        with pytest.raises(StorageError, match="cannot be written"):
            write(hurried, 2)
    write(hurried, 3)
    assert number(database) == 3


def test_a_snapshot_sees_what_was_there_when_it_began(database_place: Path | URL) -> None:
    database, other = counting(database_place), counting(database_place)
    write(database, 1)
    with database.snapshot() as connection:
        write(other, 2)
        assert connection.scalar(NUMBER) == 1
        write(other, 3)
        assert connection.scalar(NUMBER) == 1
    assert number(database) == 3
    write(database, 4)
    assert number(other) == 4


def test_a_snapshot_outlasts_the_patience_with_those_that_stand_still(postgresql: PostgresqlServer) -> None:
    impatient = postgresql.text("impatient") + "%20-cidle_in_transaction_session_timeout%3D100"
    database = counting(postgresql_url(impatient))
    write(database, 1)
    with database.snapshot() as connection:
        time.sleep(0.5)
        assert connection.scalar(NUMBER) == 1

    def stand_still() -> None:
        with database.writing() as connection:
            time.sleep(0.5)
            connection.scalar(NUMBER)

    with pytest.raises(StorageError):
        stand_still()


def test_turns_of_other_things_do_not_wait_in_postgresql(postgresql: PostgresqlServer) -> None:
    database = counting(postgresql.fresh(), busy_seconds=0.2)
    with database.writing("task 1"):
        with database.writing("task 2") as connection:
            connection.execute(database.replace(COUNTS), {"name": "a", "number": 2})
        with pytest.raises(StorageError, match="lock timeout"), database.writing("task 1"):
            pass


def test_only_what_must_outlive_a_power_failure_waits_for_the_disk(postgresql: PostgresqlServer) -> None:
    place = postgresql.fresh()
    for durable, wanted in ((True, "on"), (False, "off")):
        with Database(place, SCHEMA, "counts", durable=durable).writing() as connection:
            assert connection.scalar(sql.text("SHOW synchronous_commit")) == wanted
    careless = place.update_query_dict({"options": f"{place.query['options']} -csynchronous_commit=off"})
    with Database(careless, SCHEMA, "counts").writing() as connection:
        assert connection.scalar(sql.text("SHOW synchronous_commit")) == "on"


def test_more_threads_than_connections(postgresql: PostgresqlServer) -> None:
    database = counting(postgresql.fresh())
    write(database, 1)
    together = Barrier(3 * POOL)

    def look() -> int | None:
        together.wait(30)
        return number(database)

    with ThreadPoolExecutor(3 * POOL) as threads:
        assert {look.result() for look in [threads.submit(look) for _ in range(3 * POOL)]} == {1}


@pytest.fixture
def own_server() -> Iterator[PostgresqlServer]:
    if programs() is None:
        pytest.skip("PostgreSQL's initdb is not installed: apt-get install postgresql")
    with postgresql_server("fsync=off") as server:
        yield server


def test_a_database_that_was_away_is_used_again(own_server: PostgresqlServer) -> None:
    place = own_server.fresh()
    database, inbox = counting(place), EventInbox(place)
    write(database, 1)
    acknowledged = [inbox.record({"action": "A"})]
    own_server.stop()
    with pytest.raises(StorageError, match=r"inbox: postgresql.* cannot be written .*IHP_DATABASE") as caught:
        inbox.record({"action": "B"})
    assert PASSWORD not in str(caught.value)
    assert "***" in str(caught.value)
    with pytest.raises(StorageError, match="cannot be opened"):
        EventInbox(place)
    own_server.start()
    acknowledged.append(inbox.record({"action": "C"}))
    assert [event.id for event in inbox.events()] == acknowledged
    assert number(database) == 1


def test_several_begin_at_once(database_place: Path | URL) -> None:
    go = Event()

    def open_all() -> int:
        go.wait(30)
        return EventInbox(database_place).record({"action": "A"})

    with ThreadPoolExecutor(6) as threads:
        opened = [threads.submit(open_all) for _ in range(6)]
        go.set()
        assert len({one.result() for one in opened}) == 6


def with_doubles(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE counts ADD COLUMN doubled INTEGER")
    connection.exec_driver_sql("UPDATE counts SET doubled = 2 * number")


def later(*migrations: object) -> Schema:
    tables = sql.MetaData()
    sql.Table(
        "counts",
        tables,
        sql.Column("name", sql.Text, primary_key=True),
        sql.Column("number", sql.Integer, nullable=False, index=True),
        sql.Column("doubled", sql.Integer),
    )
    return Schema("counts", tables, migrations)  # type: ignore[arg-type]


def test_a_later_release_migrates_once_and_an_earlier_one_refuses(database_place: Path | URL) -> None:
    write(counting(database_place), 4)
    for _ in range(2):
        migrated = counting(database_place, later(with_doubles))
        with migrated.reading() as connection:
            assert connection.scalar(sql.text("SELECT doubled FROM counts")) == 8
    with pytest.raises(StorageError, match=r"later release \(version 2, this one knows 1\)"):
        counting(database_place)


def test_what_is_new_is_made_as_it_is_now(database_place: Path | URL) -> None:
    def never(_: Connection) -> None:
        raise AssertionError("there is nothing to migrate")

    with counting(database_place, later(never)).reading() as connection:
        assert connection.scalar(sql.text("SELECT max(doubled) FROM counts")) is None


def test_a_migration_that_fails_changes_nothing(database_place: Path | URL) -> None:
    def breaks(connection: Connection) -> None:
        with_doubles(connection)
        raise ZeroDivisionError

    database = counting(database_place)
    write(database, 4)
    with pytest.raises(ZeroDivisionError):
        counting(database_place, later(breaks))
    assert number(counting(database_place)) == 4


def test_files_of_the_release_before_work(tmp_path: Path) -> None:
    # As release 0.2.0 wrote them: before tables were declared with SQLAlchemy, and schemas counted.
    for dump in (Path(__file__).parent / "earlier_release").glob("*.sql"):
        with closing(sqlite3.connect(tmp_path / f"{dump.stem}.sqlite")) as file:
            file.executescript(dump.read_text())
    for _ in range(2):
        inbox = EventInbox(tmp_path / "events.sqlite")
        assert [event.kind for event in inbox.events()][:2] == ["ANNOTATION_CREATED", "START_TRAINING"]
        store = AnnotationStore(tmp_path / "ledger.sqlite")
        assert (store.ingested, store.config("2"), store.training_wanted("2")) == (2, "<View/>", 1)
        assert [one.id for one in store.current("2")] == [5]
        assert (store.deleted_tasks("2", math.inf), store.untold()) == ([8], ["3"])
        photographs = PhotographStore(tmp_path / "photographs")
        assert photographs.tasks("2") == {7}
        asked, ann = PromptRequest((), to_name="image"), SavedWork("1")
        memory = ClickMemory(tmp_path / "clicks.sqlite", clock=lambda: 1001.0)
        assert memory.signs("2", "7") == {"a": False}
        assert memory.last_answer("2", "7", asked, ann, "model Face") == b"answer"
    assert inbox.record({"action": "A"}) == 3
    memory.forget_annotation("2", 5)
    assert memory.last_answer("2", "7", asked, ann, "model Face") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://user:secret@host/data", r"mysql://user:\*\*\*@host/data is not of PostgreSQL"),
        ("sqlite:///file", "or nothing for SQLite files"),
        ("secret", "no URL; give postgresql://"),
        ("postgresql://user:secret@host:port/data", "no URL; give postgresql://"),
    ],
)
def test_an_address_that_is_of_no_use(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        postgresql_url(text)
    assert "secret" not in str(caught.value)


def test_the_ways_in_which_teams_write_addresses() -> None:
    for text in ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d", " postgresql://u:p@h/d\n"):
        assert postgresql_url(text).render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h/d"
