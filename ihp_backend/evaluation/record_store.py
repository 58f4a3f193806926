"""RecordStore: the records of a run on disk, one row per photograph and seed, so that an interrupted run goes on.

Concurrency. Only the process that started a run writes; workers hand their records to it. Each record is committed
on its own, so a killed run loses at most the photographs in work.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ihp_backend.evaluation.record import Record

FILE = "records.sqlite"


class RecordStore:
    """Records made under one set of settings.

    Args:
        folder: where ``records.sqlite`` lies or is made; None keeps the records in memory.
        settings: what the records depend on, fit for JSON.

    Raises:
        ValueError: the folder cannot be written to; or the file has records that were made under other settings, or is
            no such file.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any]) -> None:
        self._path = folder / FILE if folder else None
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path or ":memory:")
        except (OSError, sqlite3.OperationalError) as error:
            raise ValueError(f"out: {folder} cannot be written to ({error}); give another folder") from error
        try:
            self._database.execute("PRAGMA synchronous = NORMAL")
            self._database.execute("CREATE TABLE IF NOT EXISTS settings (json TEXT)")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS records (seed INTEGER, photograph INTEGER, name TEXT, record BLOB,"
                " PRIMARY KEY (seed, photograph))"
            )
            self._check(json.loads(json.dumps(settings)))
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            self.close()
            raise ValueError(f"records: {self._path} cannot be read ({error}); delete it to start anew") from error
        except ValueError:
            self.close()
            raise

    def _check(self, settings: dict[str, Any]) -> None:
        found = self._database.execute("SELECT json FROM settings").fetchone()
        if found is None:
            with self._database:
                self._database.execute("INSERT INTO settings VALUES (?)", (json.dumps(settings),))
            return
        before = json.loads(found[0])
        for name in sorted({*before, *settings}):
            if before.get(name) != settings.get(name):
                raise ValueError(
                    f"records: {self._path} was made with {name} = {before.get(name)}, now it is {settings.get(name)}; "
                    "give another folder, or delete the file to start anew"
                )

    def add(self, seed: int, photograph: int, name: str, record: bytes) -> None:
        """Keeps a record (``Record.to_bytes``) of a photograph by its index in the data set."""
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (seed, photograph, name, record)
            )

    def done(self) -> set[tuple[int, int]]:
        """(seed, photograph) of the records that are there."""
        return set(self._database.execute("SELECT seed, photograph FROM records"))

    def records(self, seed: int, photographs: Sequence[int]) -> Iterator[tuple[str, Record]]:
        """Names and records of ``photographs``, in their order."""
        for photograph in photographs:
            query = "SELECT name, record FROM records WHERE seed = ? AND photograph = ?"
            name, data = self._database.execute(query, (seed, photograph)).fetchone()
            yield name, Record.from_bytes(data)

    def close(self) -> None:
        """Closes the file."""
        self._database.close()
