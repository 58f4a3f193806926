"""AnnotationStore: the annotations that are accepted at present, by project, worked out from the events one by one.

The event inbox keeps the events, the annotation store what follows from them. Events may come twice, late and in any
order: of two events about an annotation the newer one counts (by its own time stamp, not by its arrival), and what was
deleted stays deleted. The number of the last event is written in the same transaction as its changes, so that no event
counts twice or gets lost, whatever is killed.

Concurrency: SQLite in WAL mode, a connection per call; threads and processes may share the file, one writes at a time.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ihp_backend.annotation_store.changes import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    Untold,
    Withdrawn,
)
from ihp_backend.storage.sqlite import StorageError, leave_no_traces, reading, writing

logger = logging.getLogger(__name__)

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS annotations (project TEXT NOT NULL, id INTEGER NOT NULL, task INTEGER NOT NULL,"
    " annotator TEXT NOT NULL, updated REAL NOT NULL, cancelled INTEGER NOT NULL, content TEXT NOT NULL,"
    " withdrawn INTEGER NOT NULL DEFAULT 0, heard REAL NOT NULL, PRIMARY KEY (project, id))",
    "CREATE INDEX IF NOT EXISTS annotations_by_task ON annotations (project, task)",
    "CREATE TABLE IF NOT EXISTS tasks_withdrawn (project TEXT NOT NULL, task INTEGER NOT NULL, heard REAL NOT NULL,"
    " PRIMARY KEY (project, task))",
    "CREATE TABLE IF NOT EXISTS tasks_forgotten (project TEXT NOT NULL, task INTEGER NOT NULL,"
    " PRIMARY KEY (project, task))",
    "CREATE TABLE IF NOT EXISTS projects (project TEXT PRIMARY KEY, config TEXT, wanted INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS untold (project TEXT PRIMARY KEY, heard REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS reconciled (project TEXT PRIMARY KEY, asked REAL NOT NULL)",
    "CREATE TABLE IF NOT EXISTS digested (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO digested VALUES (1, 0)",
)
_COLUMNS = "project, id, task, annotator, updated, cancelled, content"


class AnnotationStore:
    """The accepted annotations of all projects in one SQLite file, created where it is missing.

    Args:
        path: the file; its folder must exist.
        clock: Unix seconds, for tests.

    Raises:
        StorageError: here and from every method: the file cannot be read or written, or is no such database.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = path, clock
        self._made = False
        with self._errors("cannot be written"):
            self._made = True

    @property
    def ingested(self) -> int:
        """Number of the last event that was taken in."""
        return int(self._read("SELECT last FROM digested")[0][0])

    def take(self, event: int, changes: Iterable[Change]) -> bool:
        """Takes in what an event says; False if it was taken in before.

        Args:
            event: its number in the event inbox; they grow.
            changes: what it says.
        """
        with self._writing() as connection:
            if not connection.execute("UPDATE digested SET last = ? WHERE last < ?", (event, event)).rowcount:
                return False
            for change in changes:
                self._apply(connection, change)
            return True

    def note(self, change: Change) -> None:
        """Takes in what was learned otherwise than from an event."""
        with self._writing() as connection:
            self._apply(connection, change)

    def reconcile(self, project: str, annotations: Collection[Annotation], asked: float) -> int:
        """Makes a project's annotations those that the labelling tool lists; gives the number of differences.

        Args:
            project: its id.
            annotations: everything that it listed.
            asked: Unix seconds on this machine before it was asked. What was heard of later may be newer than the list
                and stays as it is.
        """
        different = 0
        with self._writing() as connection:
            query = "DELETE FROM tasks_withdrawn WHERE project = ? AND task = ? AND heard < ?"
            tasks = {(project, annotation.task) for annotation in annotations}
            connection.executemany(query, [(*task, asked) for task in tasks])
            connection.executemany("DELETE FROM tasks_forgotten WHERE project = ? AND task = ?", tasks)
            query = "SELECT id, updated, withdrawn, heard FROM annotations WHERE project = ?"
            before = {row[0]: row[1:] for row in connection.execute(query, (project,))}
            for annotation in annotations:
                updated, withdrawn, heard = before.pop(annotation.id, (float("-inf"), 0, float("-inf")))
                if heard < asked and (withdrawn or annotation.updated > updated):
                    self._write(connection, annotation)
                    different += 1
            gone = tuple(number for number, (_, withdrawn, heard) in before.items() if not withdrawn and heard < asked)
            self._apply(connection, Withdrawn(project, gone))
            connection.execute("INSERT OR REPLACE INTO reconciled VALUES (?, ?)", (project, asked))
        return different + len(gone)

    def current(self, project: str) -> list[Annotation]:
        """The annotations of a project that count, task by task, the newest of a task last."""
        rows = self._read(
            f"SELECT {_COLUMNS} FROM annotations WHERE project = ? AND NOT withdrawn AND NOT cancelled"
            " ORDER BY task, updated, id",
            project,
        )
        return [
            Annotation(project, number, task, annotator, updated, bool(cancelled), content)
            for project, number, task, annotator, updated, cancelled, content in rows
        ]

    def annotators(self, project: str) -> dict[int, str]:
        """Who made each of the annotations that count, by its id; "" where that is unknown."""
        query = "SELECT id, annotator FROM annotations WHERE project = ? AND NOT withdrawn AND NOT cancelled"
        return dict(self._read(query, project))

    def tasks(self, project: str) -> set[int]:
        """All tasks of a project of which anything was heard, but for those that were deleted."""
        query = (
            "SELECT DISTINCT task FROM annotations WHERE project = ? AND task > 0 AND NOT EXISTS (SELECT 1"
            " FROM tasks_withdrawn AS gone WHERE gone.project = annotations.project AND gone.task = annotations.task)"
        )
        return {task for (task,) in self._read(query, project)}

    def deleted_tasks(self, project: str, before: float) -> list[int]:
        """Tasks that were deleted, as was heard before a time (Unix seconds), and are not forgotten yet."""
        query = (
            "SELECT task FROM tasks_withdrawn AS gone WHERE project = ? AND heard < ? AND NOT EXISTS (SELECT 1"
            " FROM tasks_forgotten AS done WHERE done.project = gone.project AND done.task = gone.task) ORDER BY task"
        )
        return [task for (task,) in self._read(query, project, before)]

    def forget(self, project: str, tasks: Collection[int]) -> None:
        """Removes all that was made of some tasks, and remembers that they are forgotten."""
        with self._writing() as connection:
            self._apply(connection, TasksWithdrawn(project, tuple(tasks)))
            of_tasks = [(project, task) for task in tasks]
            query = "UPDATE annotations SET annotator = '', content = '' WHERE project = ? AND task = ?"
            connection.executemany(query, of_tasks)
            connection.executemany("INSERT OR REPLACE INTO tasks_forgotten VALUES (?, ?)", of_tasks)
        with self._errors("cannot be written"):
            leave_no_traces(self._path)

    def projects(self) -> list[str]:
        """All projects of which events arrived."""
        query = "SELECT project FROM annotations UNION SELECT project FROM projects ORDER BY project"
        return [row[0] for row in self._read(query)]

    def untold(self) -> list[str]:
        """The known projects in which something may have changed that was not told since they were reconciled."""
        query = (
            "SELECT project FROM (SELECT project FROM annotations UNION SELECT project FROM projects) AS known"
            " WHERE (SELECT max(heard) FROM untold WHERE untold.project IN (known.project, ''))"
            " >= coalesce((SELECT asked FROM reconciled WHERE reconciled.project = known.project), 0)"
            " ORDER BY project"
        )
        return [row[0] for row in self._read(query)]

    def config(self, project: str) -> str | None:
        """The labelling config that a project had last."""
        found = self._read("SELECT config FROM projects WHERE project = ?", project)
        return found[0][0] if found else None

    def training_wanted(self, project: str) -> int:
        """Number of times that training was asked for."""
        found = self._read("SELECT wanted FROM projects WHERE project = ?", project)
        return int(found[0][0]) if found else 0

    def _apply(self, connection: sqlite3.Connection, change: Change) -> None:
        if isinstance(change, Annotation):
            query = "SELECT updated, withdrawn FROM annotations WHERE project = ? AND id = ?"
            updated, withdrawn = connection.execute(query, (change.project, change.id)).fetchone() or (0.0, 0)
            query = "SELECT 1 FROM tasks_withdrawn WHERE project = ? AND task = ?"
            gone = connection.execute(query, (change.project, change.task)).fetchone()
            if not withdrawn and not gone and change.updated >= updated:
                self._write(connection, change)
        elif isinstance(change, Withdrawn):
            # Also where nothing was heard of an annotation: the event that made it may come later.
            connection.executemany(
                f"INSERT INTO annotations ({_COLUMNS}, withdrawn, heard) VALUES (?, ?, 0, '', 0, 0, '', 1, ?)"
                " ON CONFLICT (project, id) DO UPDATE SET withdrawn = 1, content = '', heard = excluded.heard",
                [(change.project, number, self._clock()) for number in change.ids],
            )
        elif isinstance(change, TasksWithdrawn):
            for task in change.tasks:
                row = (change.project, task, self._clock())
                connection.execute("INSERT OR REPLACE INTO tasks_withdrawn VALUES (?, ?, ?)", row)
                query = "SELECT id FROM annotations WHERE project = ? AND task = ?"
                ids = tuple(number for (number,) in connection.execute(query, row[:2]).fetchall())
                self._apply(connection, Withdrawn(change.project, ids))
        else:
            if change.project:
                connection.execute("INSERT OR IGNORE INTO projects (project) VALUES (?)", (change.project,))
            if isinstance(change, Untold):
                query = "INSERT OR REPLACE INTO untold VALUES (?, ?)"
                connection.execute(query, (change.project, self._clock()))
            elif isinstance(change, Configured):
                query = "UPDATE projects SET config = ? WHERE project = ?"
                connection.execute(query, (change.config, change.project))
            else:
                connection.execute("UPDATE projects SET wanted = wanted + 1 WHERE project = ?", (change.project,))

    def _write(self, connection: sqlite3.Connection, one: Annotation) -> None:
        row = (one.project, one.id, one.task, one.annotator, one.updated, one.cancelled, one.content, self._clock())
        connection.execute(
            f"INSERT OR REPLACE INTO annotations ({_COLUMNS}, heard) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
        )

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._errors("cannot be read"), reading(self._path) as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._errors("cannot be written"), writing(self._path) as connection:
            yield connection

    def _create(self) -> None:
        with writing(self._path) as connection:
            for statement in _SCHEMA:
                connection.execute(statement)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            if not (self._made and self._path.exists()):
                self._create()
                if self._made:
                    logger.error("annotation store: %s was removed; it is made anew, from all events", self._path)
            yield
        except sqlite3.Error as error:
            raise StorageError.about("annotation store", self._path, what, error) from error
