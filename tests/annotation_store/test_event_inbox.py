from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.annotation_store.event_inbox import EventInbox
from ihp_backend.storage.sqlite import StorageError


@pytest.fixture
def inbox(tmp_path: Path) -> EventInbox:
    return EventInbox(tmp_path / "events.sqlite")


def test_events_are_numbered_and_kept_in_order(inbox: EventInbox, tmp_path: Path) -> None:
    numbers = [inbox.record({"action": action, "n": n}) for n, action in enumerate(("A", "B", "A"))]
    assert numbers == sorted(set(numbers))
    again = EventInbox(tmp_path / "events.sqlite")
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


def test_every_event_waits_for_the_disk(inbox: EventInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    connect = inbox._connect

    def traced() -> sqlite3.Connection:
        connection = connect()
        connection.set_trace_callback(seen.append)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        return connection

    monkeypatch.setattr(inbox, "_connect", traced)
    inbox.record({"action": "A"})
    order = [line for line in seen if line.startswith(("PRAGMA synchronous", "INSERT", "COMMIT"))]
    assert [line.split()[0] for line in order] == ["PRAGMA", "INSERT", "COMMIT"]
    assert order[0] == "PRAGMA synchronous=FULL"


def _record_many(path: Path) -> int:
    inbox = EventInbox(path)
    return len([inbox.record({"action": "ANNOTATION_CREATED", "n": n}) for n in range(20)])


def test_threads_and_processes_share_the_file(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(_record_many, [path] * 4)) == [20] * 4
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert list(processes.map(_record_many, [path] * 2)) == [20] * 2
    assert EventInbox(path).count("ANNOTATION") == 120


def test_a_full_disk_is_named(inbox: EventInbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = inbox._connect

    def small() -> sqlite3.Connection:
        connection = connect()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    with monkeypatch.context() as full:
        full.setattr(inbox, "_connect", small)
        with pytest.raises(StorageError, match="free some space") as caught:
            inbox.record({"action": "A", "payload": "x" * 100_000})
    assert caught.value.disk_full
    assert inbox.count() == 0
    inbox.record({"action": "A"})
    assert inbox.count() == 1


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


@given(event=st.dictionaries(st.sampled_from(["action", "project", "task", "x"]), JSON_VALUES))
def test_any_event_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, event: dict[str, Any]) -> None:
    inbox = EventInbox(tmp_path_factory.mktemp("inbox") / "events.sqlite")
    number = inbox.record(event)
    assert [(stored.id, stored.payload) for stored in inbox.events()] == [(number, event)]
