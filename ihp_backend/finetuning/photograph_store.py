"""PhotographStore: the photographs of accepted work, kept under the sum of their bytes, and the tasks that use them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import URL, Connection

from ihp_backend.storage.database import Database, Schema, WholeNumber
from ihp_backend.storage.files import Files, FolderFiles
from ihp_backend.storage.storage_error import StorageError

_TABLES = sql.MetaData()
_USES = sql.Table(
    "uses",
    _TABLES,
    sql.Column("photograph", sql.Text, primary_key=True),
    sql.Column("project", sql.Text, primary_key=True),
    sql.Column("task", WholeNumber, primary_key=True),
)
_SCHEMA = Schema("photographs", _TABLES)
DIGEST = re.compile(r"[0-9a-f]{64}")


class PhotographStore:
    """Image files, each once; what Label Studio loses is still here.

    A table says which tasks use each photograph, or did so before: a photograph goes with the last of them. It is
    written before the photograph, and nobody else writes to it while photographs go, so that none goes that a task
    begins to use meanwhile.

    Args:
        folder: of the image files; created where it is missing.
        place: of the table: PostgreSQL's address; None: a SQLite file beside the folder.
        remote: where the image files are instead of the folder.

    Raises:
        StorageError: here and from every method: the files or the table cannot be read or written.
    """

    def __init__(self, folder: Path, place: URL | None = None, remote: Files | None = None) -> None:
        self._files: Files = remote or FolderFiles(folder, "photographs")
        try:
            if remote is None or place is None:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.about("photographs", folder, "cannot be created", error) from error
        self._database = Database(place or folder.with_name(f"{folder.name}.sqlite"), _SCHEMA, "photographs")

    @property
    def files(self) -> Files:
        """The image files, by their sums."""
        return self._files

    @property
    def database(self) -> Database:
        """Its tables."""
        return self._database

    def put(self, data: bytes, project: str, task: int) -> str:
        """Keeps the image file of a task; gives the sum by which it is found."""
        digest = hashlib.sha256(data).hexdigest()
        self.note_uses(project, [(task, digest)])
        if not self._files.has(digest):
            self._files.write(digest, data)
        return digest

    def has(self, digest: str) -> bool:
        """Whether the file with that sum is kept."""
        return self._files.has(digest)

    def read(self, digest: str) -> bytes:
        """The file with that sum."""
        data = self._files.read(digest)
        if data is None:
            raise StorageError(f"photographs: {self.place(digest)} is missing")
        return data

    def place(self, digest: str) -> Path | str:
        """Where the file with that sum is, for people."""
        return self._files.place(digest)

    def note_uses(self, project: str, uses: Iterable[tuple[int, str]]) -> None:
        """Remembers tasks that use a photograph, each with its sum."""
        known = {(task, digest) for digest, of_project, task in self._uses() if of_project == project}
        if new := set(uses) - known:
            with self._database.writing() as connection:
                rows = [{"photograph": digest, "project": project, "task": task} for task, digest in new]
                connection.execute(self._database.add_missing(_USES), rows)

    def tasks(self, project: str) -> set[int]:
        """The tasks of a project that use a photograph, or did."""
        return {task for _, of_project, task in self._uses() if of_project == project}

    def used_only_by(self, project: str, tasks: Container[int]) -> set[str]:
        """Sums of the photographs that these tasks of a project use and no other."""
        return _used_only_by(self._uses(), project, tasks)

    def unused(self, before: float) -> set[str]:
        """Sums of the photographs that no task ever used, as far as is known, kept before a time (Unix seconds)."""
        return self._unused(self._uses(), before)

    def forget(self, project: str, tasks: Container[int]) -> None:
        """Removes the photographs that these tasks of a project use and no other."""
        with self._database.writing() as connection:
            uses = uses_in(connection)
            self._remove(_used_only_by(uses, project, tasks))
            for task in {task for _, of_project, task in uses if of_project == project and task in tasks}:
                connection.execute(sql.delete(_USES).where(_USES.c.project == project, _USES.c.task == task))

    def forget_unused(self, before: float) -> None:
        """Removes what ``unused`` lists."""
        with self._database.writing() as connection:
            self._remove(self._unused(uses_in(connection), before))

    def _unused(self, uses: Iterable[tuple[str, str, int]], before: float) -> set[str]:
        known = {digest for digest, _, _ in uses}
        kept = {name: written for name, written in self._files.modified().items() if DIGEST.fullmatch(name)}
        return {digest for digest, written in kept.items() if digest not in known and written < before}

    def _remove(self, digests: Iterable[str]) -> None:
        for digest in digests:
            self._files.remove(digest)

    def _uses(self) -> list[tuple[str, str, int]]:
        with self._database.reading() as connection:
            return uses_in(connection)


def uses_in(connection: Connection) -> list[tuple[str, str, int]]:
    """Which photographs are used, each by its sum, with the project and the task."""
    rows = connection.execute(sql.select(_USES.c.photograph, _USES.c.project, _USES.c.task))
    return [(photograph, project, task) for photograph, project, task in rows]


def _used_only_by(uses: Iterable[tuple[str, str, int]], project: str, tasks: Container[int]) -> set[str]:
    theirs, others = set[str](), set[str]()
    for digest, of_project, task in uses:
        (theirs if of_project == project and task in tasks else others).add(digest)
    return theirs - others
