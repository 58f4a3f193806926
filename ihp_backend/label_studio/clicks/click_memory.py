"""ClickMemory: the clicks that stand on each task, of all labels and annotators; see ``standing_clicks`` for the rules.

An annotator is known only once there is a draft, at most five seconds after the first click. Until then the clicks
belong to nobody; two annotators who both begin the same task within those seconds share them until their drafts part
them.

Concurrency: a database that processes share, in PostgreSQL also machines, and that a restart leaves as it was. Requests
about one task follow one another; a request has the database for a millisecond or two.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection

from ihp_backend.label_studio.clicks.active_prompts import ActivePrompts, Remembered, RememberedLabel
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.storage.database import Database, Schema

CLICKS_FILE = "clicks.sqlite"
"""The memory's file in a data folder."""

NOBODY = ""

_TABLES = sql.MetaData()
_STANDING = sql.Table(
    "standing",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("task", sql.Text, primary_key=True),
    sql.Column("image", sql.Text, primary_key=True),
    sql.Column("annotator", sql.Text, primary_key=True),
    sql.Column("used", sql.Double),
    sql.Column("remembered", sql.Text),
    sql.Index("by_use", "used"),
)
_ANSWERS = sql.Table(
    "answers",
    _TABLES,
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("task", sql.Text, primary_key=True),
    sql.Column("image", sql.Text, primary_key=True),
    sql.Column("annotator", sql.Text, primary_key=True),
    sql.Column("spoken", sql.Text),
    sql.Column("answer", sql.LargeBinary),
)
_SCHEMA = Schema("active prompts", _TABLES)
_KEYS = tuple(_STANDING.primary_key)


def _at(table: sql.Table) -> sql.ColumnElement[bool]:
    return sql.and_(*(column == sql.bindparam(f"at_{column.name}") for column in table.primary_key))


def _of_task() -> sql.ColumnElement[bool]:
    return sql.and_(_STANDING.c.project == sql.bindparam("project"), _STANDING.c.task == sql.bindparam("task"))


# Made once: to make a statement takes as long as to execute it.
_READ = sql.select(_STANDING.c.remembered).where(_at(_STANDING))
_READ_ANSWER = sql.select(_ANSWERS.c.answer).where(_at(_ANSWERS), _ANSWERS.c.spoken == sql.bindparam("spoken"))
_READ_TASK = sql.select(_STANDING.c.remembered).where(_of_task())
_READ_OF_TWO = sql.select(_STANDING.c.annotator, _STANDING.c.remembered).where(
    _of_task(),
    _STANDING.c.image == sql.bindparam("image"),
    _STANDING.c.annotator.in_((sql.bindparam("annotator"), NOBODY)),
    _STANDING.c.used >= sql.bindparam("before"),
)
_KEYS_OF_TASK = sql.select(*_KEYS).where(_of_task())
_NEWEST_TOO_MANY = (
    sql.select(_STANDING.c.used)
    .order_by(_STANDING.c.used.desc())
    .limit(1)
    .offset(sql.bindparam("most"))
    .scalar_subquery()
)
# Whoever has a row at this moment uses it, so that it is neither old nor the least recently used.
_GOING = (
    sql.select(*_KEYS)
    .where(sql.or_(_STANDING.c.used < sql.bindparam("before"), _STANDING.c.used <= _NEWEST_TOO_MANY))
    .with_for_update(skip_locked=True)
)
_ANSWERED = (
    sql.select(*_KEYS, sql.bindparam("spoken", type_=sql.Text), sql.bindparam("answer", type_=sql.LargeBinary))
    .where(_at(_STANDING))
    .with_for_update()
)
_DELETE = tuple(sql.delete(table).where(_at(table)) for table in (_ANSWERS, _STANDING))

_Key = tuple[str, str, str, str]
"""Project, task, image and annotator."""


class ClickMemory:
    """Active prompts, bounded and expiring.

    Args:
        place: a SQLite file for them, created where it is missing, or PostgreSQL's address; None keeps them in this
            process.
        most_tasks: tasks remembered; the least recently used give way.
        expires_after: seconds after which an untouched task is forgotten.
        clock: seconds since 1970, for tests.
        busy_seconds: after which another process that holds a lock is an error.

    Raises:
        StorageError: here and from every method: the database cannot be used.
    """

    def __init__(
        self,
        place: Path | URL | None = None,
        most_tasks: int = 2000,
        expires_after: float = 12 * 3600.0,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 2.0,
    ) -> None:
        self._most_tasks = most_tasks
        self._expires_after = expires_after
        self._clock = clock
        # Not durable: drafts bring back what a power failure would take here.
        self._database = Database(
            place, _SCHEMA, "active prompts", cannot=_CANNOT,
            busy_seconds=busy_seconds, durable=False, stays_open=True,
        )  # fmt: skip

    @property
    def database(self) -> Database:
        """Its tables."""
        return self._database

    def update(self, project: str, task: str, request: PromptRequest, saved: SavedWork) -> ActivePrompts:
        """Take in a request and say what stands now on its image."""
        now, annotator = self._clock(), saved.user or NOBODY
        key, before = (project, task, request.place, annotator), now - self._expires_after
        with self._database.writing(project, task, cannot=_CANNOT) as connection:
            ids = {prompt.id for prompt in (*request.prompts, *saved.prompts)}
            remembered = _find(connection, key, ids, before)
            active = remembered.take_in(request, saved, now)
            row = {**_columns(key), "used": now, "remembered": to_text(remembered)}
            connection.execute(self._database.replace(_STANDING), row)
            self._forget_unused(connection, before)
        return active

    def since(
        self, project: str, task: str, request: PromptRequest, saved: SavedWork, known: ActivePrompts
    ) -> ActivePrompts | None:
        """The active prompts by now for a request taken in, if clicks came to ``known`` and none went; else None."""
        with self._database.reading(_CANNOT) as connection:
            remembered = _read(connection, (project, task, request.place, saved.user or NOBODY))
        if remembered is None:
            return None
        active = remembered.active(request, saved)
        before, now = (
            {prompt for prompts in stand.prompts.values() for prompt in prompts} for stand in (known, active)
        )
        return active if before < now else None

    def keep_answer(
        self, project: str, task: str, request: PromptRequest, saved: SavedWork, spoken: str, answer: bytes
    ) -> None:
        """Keep the last answer to what stands on an image; nothing where it was forgotten meanwhile.

        Args:
            project, task, request, saved: see ``update``.
            spoken: the model and the labels in which it is meant.
            answer: as ``LastAnswer.to_bytes`` wrote it.
        """
        key = (project, task, request.place, saved.user or NOBODY)
        with self._database.writing(project, task, cannot=_CANNOT) as connection:
            connection.execute(
                self._database.replace_from(_ANSWERS, _ANSWERED), {**_named(key), "spoken": spoken, "answer": answer}
            )

    def last_answer(
        self, project: str, task: str, request: PromptRequest, saved: SavedWork, spoken: str
    ) -> bytes | None:
        """The answer that ``keep_answer`` kept for the same image, annotator, model and labels."""
        values = {**_named((project, task, request.place, saved.user or NOBODY)), "spoken": spoken}
        with self._database.reading(_CANNOT) as connection:
            found = connection.execute(_READ_ANSWER, values).first()
        return None if found is None else bytes(found[0])

    def signs(self, project: str, task: str) -> dict[str, bool]:
        """id -> positive of every remembered click of a task, whoever made it."""
        with self._database.reading(_CANNOT) as connection:
            found = connection.scalars(_READ_TASK, {"project": project, "task": task}).all()
        return {
            prompt.id: prompt.positive
            for text in found
            for label in from_text(text).labels.values()
            for prompt in label.prompts.values()
        }

    def active(self, project: str, task: str) -> int:
        """Prompts that stand on a task, of all its annotators."""
        return len(self.signs(project, task))

    def forget(self, project: str, task: str, annotator: str = NOBODY) -> None:
        """Forget what stands on a task: of one annotator, and of those not known by their number; or of all."""
        with self._database.writing(project, task, cannot=_CANNOT) as connection:
            keys = connection.execute(_KEYS_OF_TASK, {"project": project, "task": task}).all()
            _delete(connection, [key for key in keys if annotator in (NOBODY, key[3]) or not _is_number(key[3])])

    def forget_expired(self) -> None:
        """Forget what has expired, though nobody clicks any more."""
        with self._database.writing(cannot=_CANNOT) as connection:
            self._forget_unused(connection, self._clock() - self._expires_after)

    def forget_annotation(self, project: str, annotation: int) -> None:
        """Forget the task that has this annotation; deletions name only the annotation."""
        of_project = sql.select(*_KEYS, _STANDING.c.remembered).where(_STANDING.c.project == project)

        def having(rows: Iterable[Any]) -> list[_Key]:
            return [(a, b, c, d) for a, b, c, d, text in rows if annotation in from_text(text).annotations]

        with self._database.reading(_CANNOT) as connection:
            tasks = {task for _, task, _, _ in having(connection.execute(of_project))}
        for task in sorted(tasks):
            with self._database.writing(project, task, cannot=_CANNOT) as connection:
                _delete(connection, having(connection.execute(of_project.where(_STANDING.c.task == task))))

    def __len__(self) -> int:
        """Clicks remembered."""
        with self._database.reading(_CANNOT) as connection:
            found = connection.scalars(sql.select(_STANDING.c.remembered)).all()
        return sum(len(label.prompts) for text in found for label in from_text(text).labels.values())

    def _forget_unused(self, connection: Connection, before: float) -> None:
        _delete(connection, connection.execute(_GOING, {"before": before, "most": self._most_tasks}).all())


_CANNOT = "cannot be used"


def _is_number(annotator: str) -> bool:
    return annotator.isascii() and annotator.isdigit()


def _columns(key: _Key) -> dict[str, str]:
    return dict(zip((column.name for column in _KEYS), key, strict=True))


def _named(key: Iterable[str]) -> dict[str, str]:
    """A key as ``_at`` names its parts."""
    return {f"at_{column.name}": part for column, part in zip(_KEYS, key, strict=True)}


def _delete(connection: Connection, keys: Iterable[Iterable[str]]) -> None:
    """What stands, and its answer."""
    if named := [_named(key) for key in keys]:
        for statement in _DELETE:
            connection.execute(statement, named)


def _find(connection: Connection, key: _Key, ids: set[str], before: float) -> Remembered:
    """The remembered work of an annotator, and work of an unknown annotator if it turns out to be theirs."""
    found = connection.execute(_READ_OF_TWO, {**_columns(key), "before": before})
    work = {annotator: from_text(text) for annotator, text in found}
    mine, nobodys = work.get(key[3]), work.get(NOBODY)
    # Clicks made before the first draft was saved belong to the first annotator whose draft shows up, or to the one
    # whose clicks they are.
    if key[3] != NOBODY and nobodys is not None and (mine is None or nobodys.shares_a_prompt(ids)):
        _delete(connection, [(*key[:3], NOBODY)])
        return nobodys
    return mine or Remembered()


def _read(connection: Connection, key: _Key) -> Remembered | None:
    found = connection.execute(_READ, _named(key)).first()
    return None if found is None else from_text(found[0])


def to_text(remembered: Remembered) -> str:
    """JSON that ``from_text`` reads."""
    labels = [
        {
            "name": name,
            "prompts": [_fields(prompt) for prompt in label.prompts.values()],
            "seen_in_draft": sorted(label.seen_in_draft),
            "settled": sorted(label.settled),
            "looked": sorted(label.looked),
            "stamp": label.stamp,
            "clicked": label.clicked,
        }
        for name, label in remembered.labels.items()
    ]
    return json.dumps({"labels": labels, "annotations": sorted(remembered.annotations)}, separators=(",", ":"))


def _fields(prompt: Prompt) -> dict[str, Any]:
    # Not asdict, which copies: there may be a thousand of them.
    return {**vars(prompt), "box": None if prompt.box is None else vars(prompt.box)}


def from_text(text: str) -> Remembered:
    """The work that ``to_text`` has written; empty if another release wrote it otherwise."""
    try:
        content = json.loads(text)
        labels = {label["name"]: _label(label) for label in content["labels"]}
        return Remembered(labels, frozenset(content["annotations"]))
    except (KeyError, TypeError, ValueError):
        return Remembered()


def _label(content: dict[str, Any]) -> RememberedLabel:
    prompts = [
        Prompt(**{**prompt, "box": None if prompt["box"] is None else Box(**prompt["box"])})
        for prompt in content["prompts"]
    ]
    return RememberedLabel(
        prompts={prompt.id: prompt for prompt in prompts},
        seen_in_draft=set(content["seen_in_draft"]),
        settled=set(content.get("settled", ())),  # Earlier releases knew neither of these two.
        looked=frozenset(content.get("looked", ())),
        stamp=content["stamp"],
        clicked=content["clicked"],
    )
