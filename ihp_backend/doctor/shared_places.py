"""Check of what several machines share: the database and the storage that settings name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from uuid import uuid4

from ihp_backend.annotation_store.event_inbox import EVENTS, EventInbox
from ihp_backend.doctor.finding import Finding
from ihp_backend.server.server_settings import ServerSettings
from ihp_backend.storage.files import Files, FolderFiles
from ihp_backend.storage.storage_error import StorageError

_ALONE = "name what all machines reach in IHP_STORAGE; without it each keeps versions and photographs for itself"


def shared_places(settings: ServerSettings) -> Iterator[Finding]:
    """Database and storage: whether they can be read and written; nothing where settings name none."""
    if settings.database is not None:
        began = time.perf_counter()
        try:
            events = EventInbox(settings.places.tables(EVENTS)).count()
        except StorageError as error:
            yield Finding("database", "error", *_parted(error))
        else:
            took = (time.perf_counter() - began) * 1000
            address = settings.database.render_as_string(hide_password=True)
            yield Finding("database", "ok", f"{address}, {events} events", milliseconds=took)
        if settings.storage is None:
            yield Finding("storage", "warning", "IHP_DATABASE is set, and IHP_STORAGE is not", _ALONE)
    if settings.storage is not None:
        yield _storage(settings.places.remote("storage") or FolderFiles(settings.places.folder(), "storage"))


def _storage(files: Files) -> Finding:
    began, name = time.perf_counter(), f"ihp-doctor-{uuid4().hex}"
    try:
        files.write(name, b"written by ihp doctor")
        kept = files.read(name)
        files.remove(name)
    except StorageError as error:
        return Finding("storage", "error", *_parted(error))
    if kept is None:
        return Finding("storage", "error", f"{files.place('')} does not have what was written", "check the storage")
    return Finding("storage", "ok", str(files.place("")), milliseconds=(time.perf_counter() - began) * 1000)


def _parted(error: StorageError) -> tuple[str, str]:
    """What was found, and the remedy."""
    found, _, remedy = str(error).rpartition("; ")
    return found, remedy
