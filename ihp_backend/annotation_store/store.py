"""AnnotationStore: the annotations that are accepted at present, by project, worked out from the events one by one.

The event inbox keeps the events, the annotation store what follows from them. Events may come twice, late and in any
order: of two events about an annotation the newer one counts (by its own time stamp, not by its arrival), and what was
deleted stays deleted. The number of the last event is written in the same transaction as its changes, so that no event
counts twice or gets lost, whatever is killed.

Concurrency: threads and processes may share the database, in PostgreSQL also machines; one writes at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection

from ihp_backend.annotation_store.changes import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    Untold,
    Withdrawn,
)
from ihp_backend.storage.database import Database, Schema, WholeNumber

_TABLES = sql.MetaData()
_ANNOTATIONS = sql.Table(
    "annotations",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("id", WholeNumber, primary_key=True),
    sql.Column("task", WholeNumber, nullable=False),
    sql.Column("annotator", sql.Text, nullable=False),
    sql.Column("updated", sql.Double, nullable=False),
    sql.Column("cancelled", sql.Integer, nullable=False),
    sql.Column("content", sql.Text, nullable=False),
    sql.Column("withdrawn", sql.Integer, nullable=False, server_default="0"),
    sql.Column("heard", sql.Double, nullable=False),
    sql.Index("annotations_by_task", "project", "task"),
)
_WITHDRAWN = sql.Table(
    "tasks_withdrawn",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("task", WholeNumber, primary_key=True),
    sql.Column("heard", sql.Double, nullable=False),
)
_FORGOTTEN = sql.Table(
    "tasks_forgotten",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("task", WholeNumber, primary_key=True),
)
_PROJECTS = sql.Table(
    "projects",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("config", sql.Text),
    sql.Column("wanted", sql.Integer, nullable=False, server_default="0"),
)
_UNTOLD = sql.Table(
    "untold",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("heard", sql.Double, nullable=False),
)
_RECONCILED = sql.Table(
    "reconciled",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("asked", sql.Double, nullable=False),
)
_DIGESTED = sql.Table(
    "digested",
    _TABLES,
    sql.Column("one", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("last", WholeNumber, nullable=False),
)
_SCHEMA = Schema("annotation store", _TABLES)


class AnnotationStore:
    """The accepted annotations of all projects.

    Args:
        place: a SQLite file, created where it is missing in a folder that exists, or PostgreSQL's address.
        clock: Unix seconds, for tests.

    Raises:
        StorageError: here and from every method: the database cannot be read or written, or is none.
    """

    def __init__(self, place: Path | URL, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._database = Database(place, _SCHEMA, "annotation store", cannot="cannot be written")

    @property
    def database(self) -> Database:
        """Its tables."""
        return self._database

    @property
    def ingested(self) -> int:
        """Number of the last event that was taken in."""
        with self._database.reading() as connection:
            return _last(connection)

    def take(self, event: int, changes: Iterable[Change]) -> bool:
        """Takes in what an event says; False if it was taken in before.

        Args:
            event: its number in the event inbox; they grow.
            changes: what it says.
        """
        with self._database.writing() as connection:
            if event <= _last(connection):
                return False
            connection.execute(self._database.replace(_DIGESTED), {"one": 1, "last": event})
            for change in changes:
                self._apply(connection, change)
            return True

    def note(self, change: Change) -> None:
        """Takes in what was learned otherwise than from an event."""
        with self._database.writing() as connection:
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
        with self._database.writing() as connection:
            tasks = {annotation.task for annotation in annotations}
            for gone_ones, which in ((_WITHDRAWN, _WITHDRAWN.c.heard < asked), (_FORGOTTEN, sql.true())):
                query = sql.select(gone_ones.c.task).where(gone_ones.c.project == project, which)
                for task in tasks.intersection(connection.scalars(query)):
                    connection.execute(sql.delete(gone_ones).where(_of_task(gone_ones, project, task)))
            table = _ANNOTATIONS.c
            query = sql.select(table.id, table.updated, table.withdrawn, table.heard).where(table.project == project)
            before = {number: rest for number, *rest in connection.execute(query)}
            for annotation in annotations:
                updated, withdrawn, heard = before.pop(annotation.id, (float("-inf"), 0, float("-inf")))
                if heard < asked and (withdrawn or annotation.updated > updated):
                    self._write(connection, annotation)
                    different += 1
            gone = tuple(number for number, (_, withdrawn, heard) in before.items() if not withdrawn and heard < asked)
            self._apply(connection, Withdrawn(project, gone))
            connection.execute(self._database.replace(_RECONCILED), {"project": project, "asked": asked})
        return different + len(gone)

    def current(self, project: str) -> list[Annotation]:
        """The annotations of a project that count, task by task, the newest of a task last."""
        table = _ANNOTATIONS.c
        columns = (table.id, table.task, table.annotator, table.updated, table.cancelled, table.content)
        query = sql.select(*columns).where(_counts(project)).order_by(table.task, table.updated, table.id)
        return [
            Annotation(project, number, task, annotator, updated, bool(cancelled), content)
            for number, task, annotator, updated, cancelled, content in self._read(query)
        ]

    def annotators(self, project: str) -> dict[int, str]:
        """Who made each of the annotations that count, by its id; "" where that is unknown."""
        rows = self._read(sql.select(_ANNOTATIONS.c.id, _ANNOTATIONS.c.annotator).where(_counts(project)))
        return dict[int, str](rows)

    def tasks(self, project: str) -> set[int]:
        """All tasks of a project of which anything was heard, but for those that were deleted."""
        table = _ANNOTATIONS.c
        gone = sql.exists().where(_WITHDRAWN.c.project == table.project, _WITHDRAWN.c.task == table.task)
        query = sql.select(table.task).distinct().where(table.project == project, table.task > 0, ~gone)
        return {task for (task,) in self._read(query)}

    def deleted_tasks(self, project: str, before: float) -> list[int]:
        """Tasks that were deleted, as was heard before a time (Unix seconds), and are not forgotten yet."""
        gone = _WITHDRAWN.c
        done = sql.exists().where(_FORGOTTEN.c.project == gone.project, _FORGOTTEN.c.task == gone.task)
        query = sql.select(gone.task).where(gone.project == project, gone.heard < before, ~done).order_by(gone.task)
        return [task for (task,) in self._read(query)]

    def forget(self, project: str, tasks: Collection[int]) -> None:
        """Removes all that was made of some tasks, and remembers that they are forgotten."""
        with self._database.writing() as connection:
            self._apply(connection, TasksWithdrawn(project, tuple(tasks)))
            for task in tasks:
                of_task = _of_task(_ANNOTATIONS, project, task)
                connection.execute(sql.update(_ANNOTATIONS).where(of_task).values(annotator="", content=""))
                connection.execute(self._database.add_missing(_FORGOTTEN), {"project": project, "task": task})
        self._database.leave_no_traces()

    def projects(self) -> list[str]:
        """All projects of which events arrived."""
        query = sql.union(sql.select(_ANNOTATIONS.c.project), sql.select(_PROJECTS.c.project))
        return sorted(project for (project,) in self._read(query))

    def untold(self) -> list[str]:
        """The known projects in which something may have changed that was not told since they were reconciled."""
        never = float("-inf")
        heard = dict[str, float](self._read(sql.select(_UNTOLD.c.project, _UNTOLD.c.heard)))
        asked = dict[str, float](self._read(sql.select(_RECONCILED.c.project, _RECONCILED.c.asked)))
        return [
            project
            for project in self.projects()
            if max(heard.get(project, never), heard.get("", never)) >= asked.get(project, 0.0)
        ]

    def config(self, project: str) -> str | None:
        """The labelling config that a project had last."""
        found = self._read(sql.select(_PROJECTS.c.config).where(_PROJECTS.c.project == project))
        return found[0][0] if found else None

    def training_wanted(self, project: str) -> int:
        """Number of times that training was asked for."""
        found = self._read(sql.select(_PROJECTS.c.wanted).where(_PROJECTS.c.project == project))
        return int(found[0][0]) if found else 0

    def _apply(self, connection: Connection, change: Change) -> None:
        if isinstance(change, Annotation):
            table = _ANNOTATIONS.c
            query = sql.select(table.updated, table.withdrawn)
            found = connection.execute(query.where(table.project == change.project, table.id == change.id)).first()
            updated, withdrawn = found or (0.0, 0)
            gone = connection.execute(
                sql.select(_WITHDRAWN.c.task).where(_of_task(_WITHDRAWN, change.project, change.task))
            ).first()
            if not withdrawn and not gone and change.updated >= updated:
                self._write(connection, change)
        elif isinstance(change, Withdrawn):
            # Also where nothing was heard of an annotation: the event that made it may come later.
            empty = {"task": 0, "annotator": "", "updated": 0.0, "cancelled": 0, "content": "", "withdrawn": 1}
            left = ("content", "withdrawn", "heard")
            for number in change.ids:
                row = {**empty, "project": change.project, "id": number, "heard": self._clock()}
                connection.execute(self._database.replace(_ANNOTATIONS, *left), row)
        elif isinstance(change, TasksWithdrawn):
            for task in change.tasks:
                row = {"project": change.project, "task": task, "heard": self._clock()}
                connection.execute(self._database.replace(_WITHDRAWN), row)
                of_task = _of_task(_ANNOTATIONS, change.project, task)
                ids = tuple(connection.scalars(sql.select(_ANNOTATIONS.c.id).where(of_task)).all())
                self._apply(connection, Withdrawn(change.project, ids))
        else:
            if change.project:
                connection.execute(self._database.add_missing(_PROJECTS), {"project": change.project, "wanted": 0})
            this = _PROJECTS.c.project == change.project
            if isinstance(change, Untold):
                row = {"project": change.project, "heard": self._clock()}
                connection.execute(self._database.replace(_UNTOLD), row)
            elif isinstance(change, Configured):
                connection.execute(sql.update(_PROJECTS).where(this).values(config=change.config))
            else:
                connection.execute(sql.update(_PROJECTS).where(this).values(wanted=_PROJECTS.c.wanted + 1))

    def _write(self, connection: Connection, one: Annotation) -> None:
        row = {**vars(one), "cancelled": int(one.cancelled), "withdrawn": 0, "heard": self._clock()}
        connection.execute(self._database.replace(_ANNOTATIONS), row)

    def _read(self, query: sql.Select[Any] | sql.CompoundSelect[Any]) -> list[Any]:
        with self._database.reading() as connection:
            return [tuple(row) for row in connection.execute(query)]


def _last(connection: Connection) -> int:
    return connection.scalar(sql.select(_DIGESTED.c.last)) or 0


def _counts(project: str) -> sql.ColumnElement[bool]:
    table = _ANNOTATIONS.c
    return sql.and_(table.project == project, table.withdrawn == 0, table.cancelled == 0)


def _of_task(table: sql.Table, project: str, task: int) -> sql.ColumnElement[bool]:
    return sql.and_(table.c.project == project, table.c.task == task)
