"""ClickMemory: the clicks that stand on each task, of all labels and annotators; see ``standing_clicks`` for the rules.

An annotator is known only once there is a draft, at most five seconds after the first click. Until then the clicks
belong to nobody; two annotators who both begin the same task within those seconds share them until their drafts part
them.

Concurrency: a SQLite file that worker processes share and that a restart leaves as it was. Each process has one
connection, opened after the fork, and its threads take turns; a request has it for a millisecond or two.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.clicks.active_prompts import ActivePrompts, Remembered, RememberedLabel
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompts import Prompt, PromptRequest
from ihp_backend.label_studio.clicks.saved_work import SavedWork
from ihp_backend.storage.sqlite import StorageError

CLICKS_FILE = "clicks.sqlite"
"""The memory's file in a data folder."""

NOBODY = ""

_IN_MEMORY = ":memory:"

_TABLE = """
CREATE TABLE IF NOT EXISTS standing (
    project TEXT, task TEXT, image TEXT, annotator TEXT, used REAL, remembered TEXT,
    PRIMARY KEY (project, task, image, annotator)
);
CREATE INDEX IF NOT EXISTS by_use ON standing (used);
CREATE TABLE IF NOT EXISTS answers (
    project TEXT, task TEXT, image TEXT, annotator TEXT, spoken TEXT, answer BLOB,
    PRIMARY KEY (project, task, image, annotator)
);
CREATE TRIGGER IF NOT EXISTS forget_answer AFTER DELETE ON standing BEGIN
    DELETE FROM answers WHERE project = OLD.project AND task = OLD.task AND image = OLD.image
        AND annotator = OLD.annotator;
END;
"""


class ClickMemory:
    """Active prompts, bounded and expiring.

    Args:
        path: a file for them, created where it is missing; None keeps them in this process.
        most_tasks: tasks remembered; the least recently used give way.
        expires_after: seconds after which an untouched task is forgotten.
        clock: seconds since 1970, for tests.
        busy_seconds: after which another process that holds the file is an error.

    Raises:
        StorageError: here and from every method: the file cannot be used.
    """

    def __init__(
        self,
        path: Path | None = None,
        most_tasks: int = 2000,
        expires_after: float = 12 * 3600.0,
        clock: Callable[[], float] = time.time,
        busy_seconds: float = 2.0,
    ) -> None:
        self._path = path
        self._most_tasks = most_tasks
        self._expires_after = expires_after
        self._clock = clock
        self._lock = threading.Lock()
        try:
            # One connection for good: to open and close the file costs more than all that a click does in it.
            self._storage = sqlite3.connect(
                path or _IN_MEMORY, timeout=busy_seconds, isolation_level=None, check_same_thread=False
            )
            self._storage.execute("PRAGMA journal_mode=WAL")
            # Drafts bring back what a power failure would take here.
            self._storage.execute("PRAGMA synchronous=NORMAL")
            self._storage.execute("PRAGMA secure_delete=ON")
            self._storage.executescript(_TABLE)
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def update(self, project: str, task: str, request: PromptRequest, saved: SavedWork) -> ActivePrompts:
        """Take in a request and say what stands now on its image."""
        now, place = self._clock(), (project, task, request.place)
        annotator = saved.user or NOBODY
        with self._transaction() as storage:
            self._expire(storage, now)
            remembered = _find(storage, place, annotator, {prompt.id for prompt in (*request.prompts, *saved.prompts)})
            active = remembered.take_in(request, saved, now)
            storage.execute(
                "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?)",
                (*place, annotator, now, to_text(remembered)),
            )
            storage.execute(
                "DELETE FROM standing WHERE rowid IN (SELECT rowid FROM standing ORDER BY used DESC LIMIT -1 OFFSET ?)",
                (self._most_tasks,),
            )
        return active

    def since(
        self, project: str, task: str, request: PromptRequest, saved: SavedWork, known: ActivePrompts
    ) -> ActivePrompts | None:
        """The active prompts by now for a request taken in, if clicks came to ``known`` and none went; else None."""
        with self._turn() as storage:
            remembered = _read(storage, (project, task, request.place), saved.user or NOBODY)
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
        place = (project, task, request.place, saved.user or NOBODY)
        with self._transaction() as storage:
            storage.execute(
                "INSERT OR REPLACE INTO answers SELECT project, task, image, annotator, ?, ? FROM standing "
                "WHERE project = ? AND task = ? AND image = ? AND annotator = ?",
                (spoken, answer, *place),
            )

    def last_answer(
        self, project: str, task: str, request: PromptRequest, saved: SavedWork, spoken: str
    ) -> bytes | None:
        """The answer that ``keep_answer`` kept for the same image, annotator, model and labels."""
        with self._turn() as storage:
            found = storage.execute(
                "SELECT answer FROM answers WHERE project = ? AND task = ? AND image = ? AND annotator = ? "
                "AND spoken = ?",
                (project, task, request.place, saved.user or NOBODY, spoken),
            ).fetchone()
        return None if found is None else bytes(found[0])

    def signs(self, project: str, task: str) -> dict[str, bool]:
        """id -> positive of every remembered click of a task, whoever made it."""
        with self._turn() as storage:
            found = storage.execute(
                "SELECT remembered FROM standing WHERE project = ? AND task = ?", (project, task)
            ).fetchall()
        return {
            prompt.id: prompt.positive
            for (text,) in found
            for label in from_text(text).labels.values()
            for prompt in label.prompts.values()
        }

    def active(self, project: str, task: str) -> int:
        """Prompts that stand on a task, of all its annotators."""
        return len(self.signs(project, task))

    def forget(self, project: str, task: str, annotator: str = NOBODY) -> None:
        """Forget what stands on a task: of one annotator, and of those not known by their number; or of all."""
        whose = "" if annotator == NOBODY else "AND (annotator IN (?, '') OR annotator GLOB '*[^0-9]*')"
        with self._transaction() as storage:
            storage.execute(
                f"DELETE FROM standing WHERE project = ? AND task = ? {whose}",
                (project, task, *([annotator] if whose else [])),
            )

    def forget_expired(self) -> None:
        """Forget what has expired, though nobody clicks any more."""
        with self._transaction() as storage:
            self._expire(storage, self._clock())

    def forget_annotation(self, project: str, annotation: int) -> None:
        """Forget the task that has this annotation; deletions name only the annotation."""
        with self._transaction() as storage:
            found = storage.execute("SELECT rowid, remembered FROM standing WHERE project = ?", (project,)).fetchall()
            gone = [(row,) for row, text in found if annotation in from_text(text).annotations]
            storage.executemany("DELETE FROM standing WHERE rowid = ?", gone)

    def __len__(self) -> int:
        """Clicks remembered."""
        with self._turn() as storage:
            found = storage.execute("SELECT remembered FROM standing").fetchall()
        return sum(len(label.prompts) for (text,) in found for label in from_text(text).labels.values())

    def _expire(self, storage: sqlite3.Connection, now: float) -> None:
        storage.execute("DELETE FROM standing WHERE used < ?", (now - self._expires_after,))

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        """The connection for one thread; a single statement that only reads waits for no other process in it."""
        try:
            with self._lock:
                yield self._storage
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._turn() as storage:
            # Immediately: a reader that turned writer could meet another process's lock and would fail at once.
            storage.execute("BEGIN IMMEDIATE")
            try:
                yield storage
            except BaseException:
                storage.execute("ROLLBACK")
                raise
            storage.execute("COMMIT")

    def _unusable(self, error: sqlite3.Error) -> StorageError:
        path = self._path or Path(_IN_MEMORY)
        return StorageError.about("active prompts", path, "cannot be used", error)


def _find(storage: sqlite3.Connection, place: tuple[str, str, str], annotator: str, ids: set[str]) -> Remembered:
    """The remembered work of an annotator, and work of an unknown annotator if it turns out to be theirs."""
    mine = _read(storage, place, annotator)
    if annotator == NOBODY:
        return mine or Remembered()
    nobodys = _read(storage, place, NOBODY)
    # Clicks made before the first draft was saved belong to the first annotator whose draft shows up, or to the one
    # whose clicks they are.
    if nobodys is not None and (mine is None or nobodys.shares_a_prompt(ids)):
        storage.execute(
            "DELETE FROM standing WHERE project = ? AND task = ? AND image = ? AND annotator = ?", (*place, NOBODY)
        )
        return nobodys
    return mine or Remembered()


def _read(storage: sqlite3.Connection, place: tuple[str, str, str], annotator: str) -> Remembered | None:
    found = storage.execute(
        "SELECT remembered FROM standing WHERE project = ? AND task = ? AND image = ? AND annotator = ?",
        (*place, annotator),
    ).fetchone()
    return None if found is None else from_text(found[0])


def to_text(remembered: Remembered) -> str:
    """JSON that ``from_text`` reads."""
    labels = [
        {
            "name": name,
            "prompts": [_fields(prompt) for prompt in label.prompts.values()],
            "seen_in_draft": sorted(label.seen_in_draft),
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
        stamp=content["stamp"],
        clicked=content["clicked"],
    )
