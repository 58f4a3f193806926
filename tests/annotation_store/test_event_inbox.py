from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.storage.database import postgresql_url
from ihp_backend.storage.storage_error import StorageError


@pytest.fixture
def inbox(database_place: Path | URL) -> EventInbox:
    return EventInbox(database_place)


@pytest.fixture
def in_file(tmp_path: Path) -> EventInbox:
    return EventInbox(tmp_path / "events.sqlite")


def test_events_are_numbered_and_kept_in_order(inbox: EventInbox, database_place: Path | URL) -> None:
    numbers = [inbox.record({"action": action, "n": n}) for n, action in enumerate(("A", "B", "A"))]
    assert numbers == sorted(set(numbers))
    again = EventInbox(database_place)
    assert [(event.id, event.kind, event.payload["n"]) for event in again.events()] == [
        (numbers[0], "A", 0),
        (numbers[1], "B", 1),
        (numbers[2], "A", 2),
    ]
    assert [event.id for event in again.events(after=numbers[1])] == numbers[2:]
    assert (again.count(after=numbers[0]), again.count("A", after=numbers[0])) == (2, 1)


@pytest.mark.parametrize(("prefix", "count"), [("ANNOTATION", 3), ("", 5), ("ANNOTATION_", 2), ("%", 0), ("_", 0)])
def test_counting_by_kind(inbox: EventInbox, prefix: str, count: int) -> None:
    for action in ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "START_TRAINING", "PROJECT"):
        inbox.record({"action": action})
    assert inbox.count(prefix) == count


def test_tokens_and_passwords_are_dropped(inbox: EventInbox) -> None:
    project = {"id": 1, "token": "t", "task_data_login": "l", "task_data_password": "p", "title": "mine"}
    event = {"action": "A", "access_token": "t", "project": project, "task": {"data": {"token": "a word"}}}
    inbox.record(event)
    (stored,) = inbox.events()
    assert stored.payload == {
        "action": "A",
        "project": {"id": 1, "title": "mine"},
        "task": {"data": {"token": "a word"}},
    }
    assert project["token"] == "t"


def test_every_event_waits_for_the_disk(in_file: EventInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    connect = in_file._database._connect

    def traced() -> sqlite3.Connection:
        connection = connect()
        connection.set_trace_callback(seen.append)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        return connection

    monkeypatch.setattr(in_file._database, "_connect", traced)
    in_file.record({"action": "A"})
    order = [line.split()[0] for line in seen if line.startswith(("BEGIN", "INSERT", "COMMIT"))]
    assert order == ["BEGIN", "INSERT", "COMMIT"]


def _record_many(place: Path | str) -> int:
    inbox = EventInbox(postgresql_url(place) if isinstance(place, str) else place)
    return len([inbox.record({"action": "ANNOTATION_CREATED", "n": n}) for n in range(20)])


def test_threads_and_processes_share_the_database(database_place: Path | URL) -> None:
    place = database_place
    sent = place.render_as_string(hide_password=False) if isinstance(place, URL) else place
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(_record_many, [sent] * 4)) == [20] * 4
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(_record_many, [sent] * 2)) == [20] * 2
    assert EventInbox(place).count("ANNOTATION") == 120


def test_no_event_turns_up_below_one_that_was_seen(inbox: EventInbox) -> None:
    # The annotation store goes on after the last number that it took in: what came below it later would be lost.
    seen: list[int] = []
    with ThreadPoolExecutor(8) as threads:
        records = [threads.submit(inbox.record, {"action": "A", "n": n}) for n in range(200)]
        while not all(record.done() for record in records):
            seen += [event.id for event in inbox.events(after=seen[-1] if seen else 0)]
    seen += [event.id for event in inbox.events(after=seen[-1] if seen else 0)]
    assert sorted(record.result() for record in records) == seen


def test_more_events_than_are_read_at_a_time(inbox: EventInbox) -> None:
    numbers = [inbox.record({"action": "A", "n": n}) for n in range(120)]
    assert [event.id for event in inbox.events()] == numbers
    assert inbox.forget(lambda said: {**said, "n": 0}, last=numbers[100], dry_run=True) == 100
    assert inbox.forget(lambda said: {**said, "n": 0}, last=numbers[100]) == 100
    assert [event.payload["n"] for event in inbox.events()] == [0] * 101 + list(range(101, 120))


def test_a_full_disk_is_named(in_file: EventInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = in_file._database._connect

    def small() -> sqlite3.Connection:
        connection = connect()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    with monkeypatch.context() as full:
        full.setattr(in_file._database, "_connect", small)
        with pytest.raises(StorageError, match="free some space") as caught:
            in_file.record({"action": "A", "payload": "x" * 100_000})
    assert caught.value.disk_full
    assert in_file.count() == 0
    in_file.record({"action": "A"})
    assert in_file.count() == 1


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").write_bytes(b"something else entirely" * 100)
    with pytest.raises(StorageError, match=r"events\.sqlite cannot be opened") as caught:
        EventInbox(tmp_path / "events.sqlite")
    assert not caught.value.disk_full


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="check that its folder exists"):
        EventInbox(tmp_path / "nowhere" / "events.sqlite")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(event={"action": "\0", "project": "\0"})
@given(event=st.dictionaries(st.sampled_from(["action", "project", "task", "x"]), JSON_VALUES))
def test_any_event_comes_back_as_it_was(inbox: EventInbox, event: dict[str, Any]) -> None:
    number = inbox.record(event)
    assert [(stored.id, stored.payload) for stored in inbox.events(after=number - 1)] == [(number, event)]
