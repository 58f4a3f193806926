"""PhotographStore: the photographs of accepted work, kept under the sum of their bytes, and the tasks that use them."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ihp_backend.storage.atomic_files import write_whole
from ihp_backend.storage.sqlite import StorageError, reading, writing

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS uses (photograph TEXT NOT NULL, project TEXT NOT NULL, task INTEGER NOT NULL,"
    " PRIMARY KEY (photograph, project, task))"
)
_DIGEST = re.compile(r"[0-9a-f]{64}")


class PhotographStore:
    """Image files below one folder, each once; what Label Studio loses is still here.

    A file beside the folder says which tasks use each photograph, or did so before: a photograph goes with the last
    of them. It is written before the photograph, and its lock is held while photographs go, so that none goes that a
    task begins to use meanwhile.

    Args:
        folder: of the image files; created where it is missing.

    Raises:
        StorageError: here and from every method: the folder, or the file beside it, cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._file = folder, folder.with_name(f"{folder.name}.sqlite")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError.about("photographs", folder, "cannot be created", error) from error
        with self._writing() as connection:
            connection.execute(_SCHEMA)

    def put(self, data: bytes, project: str, task: int) -> str:
        """Keeps the image file of a task; gives the sum by which it is found."""
        digest = hashlib.sha256(data).hexdigest()
        self.note_uses(project, [(task, digest)])
        path = self.path(digest)
        if path.exists():
            return digest
        try:
            write_whole(path, data)
        except OSError as error:
            raise StorageError.about("photographs", path, "cannot be written", error) from error
        return digest

    def path(self, digest: str) -> Path:
        """Path of the file with that checksum."""
        return self._folder / digest

    def note_uses(self, project: str, uses: Iterable[tuple[int, str]]) -> None:
        """Remembers tasks that use a photograph, each with its sum."""
        known = {(task, digest) for digest, of_project, task in self._uses() if of_project == project}
        if new := set(uses) - known:
            with self._writing() as connection:
                rows = [(digest, project, task) for task, digest in new]
                connection.executemany("INSERT OR IGNORE INTO uses VALUES (?, ?, ?)", rows)

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
        with self._writing() as connection:
            uses = connection.execute("SELECT photograph, project, task FROM uses").fetchall()
            self._remove(_used_only_by(uses, project, tasks))
            gone = [use for use in uses if use[1] == project and use[2] in tasks]
            connection.executemany("DELETE FROM uses WHERE photograph = ? AND project = ? AND task = ?", gone)

    def forget_unused(self, before: float) -> None:
        """Removes what ``unused`` lists."""
        with self._writing() as connection:
            self._remove(self._unused(connection.execute("SELECT photograph, project, task FROM uses"), before))

    def _unused(self, uses: Iterable[tuple[str, str, int]], before: float) -> set[str]:
        files = {path.name for path in self._folder.iterdir() if _DIGEST.fullmatch(path.name)}
        unknown = files - {digest for digest, _, _ in uses}
        return {digest for digest in unknown if self.path(digest).stat().st_mtime < before}

    def _remove(self, digests: Iterable[str]) -> None:
        for digest in digests:
            try:
                self.path(digest).unlink(missing_ok=True)
            except OSError as error:
                raise StorageError.about("photographs", self.path(digest), "cannot be removed", error) from error

    def _uses(self) -> list[tuple[str, str, int]]:
        try:
            with reading(self._file) as connection:
                return connection.execute("SELECT photograph, project, task FROM uses").fetchall()
        except sqlite3.Error as error:
            raise StorageError.about("photographs", self._file, "cannot be read", error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with writing(self._file) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StorageError.about("photographs", self._file, "cannot be written", error) from error


def _used_only_by(uses: Iterable[tuple[str, str, int]], project: str, tasks: Container[int]) -> set[str]:
    theirs, others = set[str](), set[str]()
    for digest, of_project, task in uses:
        (theirs if of_project == project and task in tasks else others).add(digest)
    return theirs - others
