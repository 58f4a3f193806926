"""The annotation store beside a slow reference, whatever order events come in."""

from __future__ import annotations

import math
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from ihp_backend.annotation_store.changes import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    TrainingWanted,
    Untold,
    Withdrawn,
)
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.storage.storage_error import StorageError
from tests.postgresql_server import PostgresqlServer


def annotation(number: int, updated: float = 1.0, task: int | None = None, **more: object) -> Annotation:
    content = f"{number} at {updated}"
    values = {"annotator": "ann", "cancelled": False, "content": content, **more}
    return Annotation("2", number, number % 3 if task is None else task, updated=updated, **values)  # type: ignore[arg-type]


def take_all(store: AnnotationStore, changes: Sequence[Change]) -> None:
    for event, change in enumerate(changes, start=store.ingested + 1):
        store.take(event, [change])


def slowly(changes: Sequence[Change]) -> list[Annotation]:
    """Deleted ones are gone for good; of the others the newest word counts, unless it says skipped."""
    deleted = {number for change in changes if isinstance(change, Withdrawn) for number in change.ids}
    tasks = {task for change in changes if isinstance(change, TasksWithdrawn) for task in change.tasks}
    newest: dict[int, Annotation] = {}
    for change in changes:
        if isinstance(change, Annotation) and change.id not in deleted and change.task not in tasks:
            known = newest.get(change.id)
            if known is None or change.updated >= known.updated:
                newest[change.id] = change
    current = [one for one in newest.values() if not one.cancelled]
    return sorted(current, key=lambda one: (one.task, one.updated, one.id))


histories = st.lists(
    st.one_of(
        # One time, one word: an annotation is not saved twice at the same microsecond.
        st.builds(
            lambda number, updated: annotation(number, float(updated), cancelled=(number + updated) % 4 == 0),
            st.integers(1, 6),
            st.integers(1, 5),
        ),
        st.builds(lambda ids: Withdrawn("2", tuple(ids)), st.lists(st.integers(1, 6), max_size=2)),
        st.builds(lambda task: TasksWithdrawn("2", (task,)), st.integers(0, 2)),
    ),
    max_size=12,
)


def holds_whatever_the_order(store: AnnotationStore, changes: list[Change], random: object) -> None:
    repeated = changes + changes[::2]
    random.shuffle(repeated)  # type: ignore[attr-defined]
    take_all(store, repeated)
    assert store.current("2") == slowly(changes)


@settings(max_examples=150, deadline=None)
@given(histories, st.randoms())
def test_the_same_comes_of_events_in_any_order_and_number(changes: list[Change], random: object) -> None:
    with TemporaryDirectory() as folder:
        holds_whatever_the_order(AnnotationStore(Path(folder) / "ledger.sqlite"), changes, random)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories, st.randoms())
def test_the_same_comes_of_them_in_postgresql(
    postgresql: PostgresqlServer, changes: list[Change], random: object
) -> None:
    holds_whatever_the_order(AnnotationStore(postgresql.fresh()), changes, random)


def test_an_event_counts_once(database_place: Path | URL) -> None:
    store = AnnotationStore(database_place)
    assert store.take(7, [TrainingWanted("2"), Configured("2", "<View/>")])
    assert not store.take(7, [TrainingWanted("2")])
    assert not store.take(3, [TrainingWanted("2")])
    assert (store.ingested, store.training_wanted("2"), store.config("2")) == (7, 1, "<View/>")
    assert (store.training_wanted("3"), store.config("3")) == (0, None)
    assert store.projects() == ["2"]


def test_an_event_that_cannot_be_taken_in_changes_nothing(database_place: Path | URL) -> None:
    store = AnnotationStore(database_place)
    broken = annotation(2, content=None)
    with pytest.raises(StorageError):
        store.take(1, [annotation(1), broken])
    assert (store.ingested, store.current("2")) == (0, [])
    assert store.take(1, [annotation(1)])


def test_reconciling_makes_it_the_list(database_place: Path | URL) -> None:
    now = [100.0]
    store = AnnotationStore(database_place, clock=lambda: now[0])
    take_all(store, [annotation(1), annotation(2), annotation(3, 5.0), annotation(4), Withdrawn("2", (4,))])
    take_all(store, [Annotation("9", 1, 1, "", 1.0, False, "")])
    now[0] = 200.0
    # 2 was deleted, 3 saved again, 4 is there after all, 5 is new.
    listed = [annotation(1), annotation(3, 6.0), annotation(4), annotation(5)]
    assert store.reconcile("2", listed, asked=150.0) == 4
    assert {(one.id, one.updated) for one in store.current("2")} == {(1, 1.0), (3, 6.0), (4, 1.0), (5, 1.0)}
    assert store.reconcile("2", listed, asked=150.0) == 0
    assert len(store.current("9")) == 1


def test_what_was_heard_after_the_list_was_asked_for_stays(database_place: Path | URL) -> None:
    now = [100.0]
    store = AnnotationStore(database_place, clock=lambda: now[0])
    take_all(store, [annotation(1), annotation(2)])
    now[0] = 200.0
    take_all(store, [annotation(1, 9.0), Withdrawn("2", (2,)), annotation(3)])
    assert store.reconcile("2", [annotation(1), annotation(2)], asked=150.0) == 0
    assert {(one.id, one.updated) for one in store.current("2")} == {(1, 9.0), (3, 1.0)}


def test_forgotten_tasks_and_untold_projects(database_place: Path | URL) -> None:
    now = [100.0]
    store = AnnotationStore(database_place, clock=lambda: now[0])
    take_all(store, [annotation(1, task=1), annotation(2, task=2), TasksWithdrawn("2", (2,)), TrainingWanted("10")])
    assert (store.tasks("2"), store.deleted_tasks("2", before=math.inf)) == ({1}, [2])
    assert store.deleted_tasks("2", before=100.0) == []
    store.forget("2", [2])
    assert (store.deleted_tasks("2", before=math.inf), store.annotators("2")) == ([], {1: "ann"})
    assert (store.projects(), store.untold()) == (["10", "2"], [])
    take_all(store, [Untold("2")])
    assert store.untold() == ["2"]
    store.reconcile("2", [annotation(1, task=1)], asked=150.0)
    assert store.untold() == []
    now[0] = 200.0
    take_all(store, [Untold("")])
    assert store.untold() == ["10", "2"]


def test_threads_take_turns(database_place: Path | URL) -> None:
    store = AnnotationStore(database_place)
    taken: list[bool] = []

    def take() -> None:
        taken.extend(store.take(event, [TrainingWanted("2")]) for event in range(1, 41))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.training_wanted("2") == sum(taken)
    assert store.ingested == 40


def test_a_file_that_is_no_annotation_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("nonsense " * 1000)
    with pytest.raises(StorageError, match=r"annotation store: .*ledger\.sqlite cannot be written"):
        AnnotationStore(tmp_path / "ledger.sqlite")
    store = AnnotationStore(tmp_path / "other.sqlite")
    with sqlite3.connect(tmp_path / "other.sqlite") as connection:
        connection.execute("DROP TABLE annotations")
    with pytest.raises(StorageError, match="cannot be read"):
        store.current("2")
