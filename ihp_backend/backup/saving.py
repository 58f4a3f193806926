"""Saving: an installation into an archive, while servers and workers use it.

With a database one snapshot has all rows and documents. Without, each SQLite file has a snapshot of its own, and the
order sees to it that they fit: what is learned before what serves, before the versions, before the accepted sets,
before the photographs; what was taken in of events before the events. Whatever comes in between is in the later part
only, and is taken up after a restoration as after any restart.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

import ihp_backend
from ihp_backend.backup.archive import FORMAT, MANIFEST, ArchiveWriter, Counted, new_archive
from ihp_backend.backup.contents import (
    Document,
    Versions,
    databases,
    documents,
    in_order,
    photographs,
    rows,
    table_file,
)
from ihp_backend.finetuning.photograph_store import uses_in
from ihp_backend.finetuning.workspace import ACCEPTED, JOBS, Workspace
from ihp_backend.model_registry.versions import MODELS, SUMS
from ihp_backend.storage.database import Database
from ihp_backend.storage.database_documents import DOCUMENTS, documents_database
from ihp_backend.storage.storage_error import StorageError

logger = logging.getLogger(__name__)


def save(workspace: Workspace, file: Path, counted: Counted) -> dict[str, int]:
    """Writes a backup; gives how many there are in it of what.

    Args:
        workspace: of what.
        file: to write; must not be there.
        counted: shows how far it is.

    Raises:
        StorageError: something cannot be read, or the file cannot be written; there is none then.
    """
    stores = databases(workspace)
    with new_archive(file) as archive, ExitStack() as stack:
        shared = None
        if workspace.places.database is not None:
            shared = stack.enter_context(documents_database(workspace.places.database).snapshot())
        kept = [*documents(workspace, JOBS, shared), *documents(workspace, MODELS, shared)]
        versions = Versions.of(workspace)
        total = sum(_rows(database, shared) for database in stores.values())
        total += sum(map(len, versions.listed.values())) + len(photographs(workspace))
        count = stack.enter_context(counted("saving", total))
        whole = _save_versions(archive, versions, count)
        _look_for_what_serves(kept, whole)
        kept += documents(workspace, ACCEPTED, shared)
        archive.add_rows(table_file(DOCUMENTS.name), kept)
        schemas = {name: _save_tables(archive, database, shared, count) for name, database in stores.items()}
        with _seen(workspace.photographs.database, shared) as connection:
            used = {digest for digest, _, _ in uses_in(connection)}
        pictures = _save_photographs(archive, workspace, count)
        _look_for_what_is_used(workspace, used - pictures)
        manifest = {
            "format": FORMAT,
            "release": ihp_backend.__version__,
            "made": time.time(),
            "schemas": schemas,
        }
        archive.add(MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
    number = {table: told["rows"] for schema in schemas.values() for table, told in schema["tables"].items()}
    return {
        "events": number["events"],
        "annotations": number["annotations"],
        "photographs": len(pictures),
        "versions": len(whole),
        "documents": len(kept),
    }


@contextmanager
def _seen(database: Database, shared: Connection | None) -> Iterator[Connection]:
    if shared is not None:
        yield shared
    else:
        with database.snapshot() as connection:
            yield connection


def _rows(database: Database, shared: Connection | None) -> int:
    with _seen(database, shared) as connection:
        return rows(connection, database.schema.tables.sorted_tables)


def _save_tables(
    archive: ArchiveWriter, database: Database, shared: Connection | None, count: Callable[[], None]
) -> dict[str, Any]:
    tables = {}
    with _seen(database, shared) as connection:
        for table in database.schema.tables.sorted_tables:
            number = archive.add_rows(table_file(table.name), in_order(table, connection, count))
            tables[table.name] = {
                "columns": [column.name for column in table.columns],
                # For later releases, which bring it up to date as they do with a file of this one.
                "made by": str(sql.schema.CreateTable(table).compile(dialect=sqlite.dialect())),
                "rows": number,
            }
    return {"version": database.schema.version, "tables": tables}


def _save_versions(archive: ArchiveWriter, versions: Versions, count: Callable[[], None]) -> set[str]:
    """Adds the versions; gives those that were not pruned meanwhile."""
    whole = set()
    for version, names in versions.listed.items():
        complete = True
        for name in names:
            content = versions.files.read(name)
            complete = complete and content is not None
            if content is not None:
                archive.add(f"{MODELS}/{name}", content)
            count()
        sums = versions.files.read(f"{version}{SUMS}") if complete else None
        if sums is not None:
            archive.add(f"{MODELS}/{version}{SUMS}", sums)
            whole.add(version)
    return whole


def _look_for_what_serves(kept: list[Document], whole: set[str]) -> None:
    for home, _, text in kept:
        kind, _, project = home.partition("/")
        if kind == MODELS:
            try:
                serving = (json.loads(text) or [{"version": ""}])[-1]["version"]
            except (KeyError, TypeError, ValueError):
                logger.warning("project %s: its promotions cannot be read; they are saved as they are", project)
                continue
            if serving and f"{project}/{serving}" not in whole:
                logger.warning(
                    "project %s: version %s serves and is not in the backup, since it is missing or was pruned "
                    "meanwhile; save again, or choose another with ihp models",
                    project,
                    serving,
                )


def _save_photographs(archive: ArchiveWriter, workspace: Workspace, count: Callable[[], None]) -> set[str]:
    """Adds the photographs; gives the sums of those that were whole."""
    whole = set()
    for digest in photographs(workspace):
        try:
            content = workspace.photographs.read(digest)
        except StorageError:
            if workspace.photographs.has(digest):
                raise
            continue  # Forgotten meanwhile.
        if hashlib.sha256(content).hexdigest() != digest:
            place = workspace.photographs.place(digest)
            logger.warning("photographs: %s is damaged and is left out; where it is needed it is fetched again", place)
            continue
        archive.add(f"photographs/{digest}", content)
        whole.add(digest)
        count()
    return whole


def _look_for_what_is_used(workspace: Workspace, lacking: set[str]) -> None:
    """Warns of photographs that are used and not in the backup; storage at a wrong address looks empty."""
    if lacking:
        logger.warning(
            "photographs: %d that accepted tasks use are not in the backup, since they are missing or damaged in %s; "
            "see that it is the right place (IHP_STORAGE, IHP_DATA_DIR) and save again. A restored installation "
            "fetches them anew from Label Studio, as far as it still has them",
            len(lacking),
            workspace.photographs.files.place(""),
        )
