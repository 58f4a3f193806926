"""Restoring: an installation from an archive, with SQLite or with PostgreSQL, wherever it was made.

Photographs and versions come first, the rows and documents that name them last: in PostgreSQL in one transaction. A
note in the data folder says that it is under way; as long as that is there, nothing but another restoration opens it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from ihp_backend.backup.archive import Archive, Counted, open_archive
from ihp_backend.backup.contents import (
    KEPT,
    VERSION_SUMS,
    Document,
    Versions,
    databases,
    documents,
    in_order,
    photographs,
    rows,
    table_file,
    version_files,
)
from ihp_backend.finetuning.photograph_store import DIGEST
from ihp_backend.finetuning.workspace import JOBS, RESTORING, Workspace
from ihp_backend.model_registry.versions import MODELS, NAME, SUMS
from ihp_backend.storage.atomic_files import sync_folder, write_whole
from ihp_backend.storage.database import Database, Schema
from ihp_backend.storage.database_documents import DOCUMENTS, documents_database
from ihp_backend.storage.storage_error import StorageError

_ROWS = 50
"""Written at a time: events with all their masks may have a megabyte each."""

_OF_VERSION = re.compile(r"(?!.*/\.)(?!.*//)[^/.][^/]*/[^/.][^/]*/.+[^/]")


def restore(workspace: Workspace, file: Path, counted: Counted, *, replace: bool = False) -> None:
    """Makes an installation what a backup says.

    Args:
        workspace: the installation, opened for restoring; no server and no worker may use it.
        file: the backup.
        counted: shows how far it is; first for looking at each of the archive's bytes, then for writing.
        replace: whether what is there may go; else it must be empty, or be what an interrupted restoration left.

    Raises:
        StorageError: the archive cannot be used, or the installation is not empty; nothing was changed. Or something
            cannot be written; then it can be restored again.
    """
    with open_archive(file, counted) as archive:
        stores = databases(workspace)
        for name, database in stores.items():
            _check_schema(file, archive, name, database.schema)
        kept = _kept(file, archive)
        unknown = [name for name in archive.manifest["schemas"] if name not in stores]
        unknown += [name for name in archive.names if not _is_known(name)]
        if unknown:
            raise StorageError(f"file: {file} has {unknown[0]}, which this release does not know; install a later one")
        note = workspace.data_dir / RESTORING
        if not replace and not note.exists():
            _refuse_what_is_there(workspace, stores.values())
        try:
            write_whole(note, f"{file}\n")
        except OSError as error:
            raise StorageError.about("data_dir", note, "cannot be written", error) from error
        schemas = archive.manifest["schemas"].values()
        total = sum(table["rows"] for schema in schemas for table in schema["tables"].values())
        files = [name for name in archive.names if not name.startswith("tables/")]
        with counted("restoring", total + len(files)) as count:
            for name in files:
                _write_file(workspace, archive, name)
                count()
            _write_rows(workspace, stores, archive, kept, count)
        _remove_others(workspace, set(files))
        try:
            note.unlink()
            sync_folder(note.parent)
        except OSError as error:
            raise StorageError.about("data_dir", note, "cannot be removed", error) from error


def _check_schema(file: Path, archive: Archive, name: str, schema: Schema) -> None:
    try:
        told = archive.manifest["schemas"][name]
        found = told["version"]
        lacking = [table for table in told["tables"] if table_file(table) not in archive.names]
    except (KeyError, TypeError):
        raise StorageError(f"file: {file} has no {name}; give another backup") from None
    if lacking:
        raise StorageError(f"file: {file} has no rows of {lacking[0]}; give another backup")
    if found > schema.version:
        raise StorageError(
            f"file: the {name} in {file} is of a later release (version {found}, this one knows {schema.version}); "
            "install that release"
        )


def _kept(file: Path, archive: Archive) -> list[Document]:
    """The documents in an archive, each in a place where one may be."""
    kept = []
    if table_file(DOCUMENTS.name) in archive.names:
        for home, name, text in archive.rows(table_file(DOCUMENTS.name)):
            kind, _, project = home.partition("/")
            if name not in KEPT.get(kind, ()) or not NAME.fullmatch(project):
                raise StorageError(f"file: {file} has a document {home}/{name}, which this release does not know")
            kept.append((home, name, text))
    return kept


def _is_known(name: str) -> bool:
    kind, _, rest = name.partition("/")
    if kind == "tables":
        return True  # Of a schema that is known.
    if kind == "photographs":
        return DIGEST.fullmatch(rest) is not None
    return kind == MODELS and (VERSION_SUMS.fullmatch(rest) or _OF_VERSION.fullmatch(rest)) is not None


def _refuse_what_is_there(workspace: Workspace, stores: Iterable[Database]) -> None:
    there = dict[str, int]()
    for database in stores:
        with database.snapshot() as connection:
            there[f"rows of the {database.schema.name}"] = rows(connection, database.schema.tables.sorted_tables)
    with_documents = _documents(workspace)
    there |= {
        "documents": len(with_documents),
        "versions": len(Versions.of(workspace).listed),
        "photographs": len(photographs(workspace)),
    }
    if any(there.values()):
        told = ", ".join(f"{number} {what}" for what, number in there.items() if number)
        raise StorageError(
            f"data_dir: {workspace.data_dir}, with what it shares, is not empty ({told}); restore into another one, or "
            "let all of it be replaced with --replace"
        )


def _documents(workspace: Workspace) -> list[Document]:
    database = workspace.places.database
    if database is None:
        return [one for kind in KEPT for one in documents(workspace, kind, None)]
    with documents_database(database).snapshot() as connection:
        return [one for kind in KEPT for one in documents(workspace, kind, connection)]


def _write_file(workspace: Workspace, archive: Archive, name: str) -> None:
    kind, _, rest = name.partition("/")
    # The sums of a version come after its files, here as in the archive.
    (version_files(workspace) if kind == MODELS else workspace.photographs.files).write(rest, archive.read(name))


def _write_rows(
    workspace: Workspace,
    stores: dict[str, Database],
    archive: Archive,
    kept: list[Document],
    count: Callable[[], None],
) -> None:
    database = workspace.places.database
    if database is not None:
        of_documents = documents_database(database)
        with of_documents.writing("restore") as connection:
            for store in stores.values():
                _fill(connection, store, archive, count)
            kinds = (DOCUMENTS.c.home.startswith(f"{kind}/", autoescape=True) for kind in KEPT)
            connection.execute(sql.delete(DOCUMENTS).where(sql.or_(*kinds)))
            for home, name, text in kept:
                row = {"home": home, "name": name, "text": text, "stamp": uuid4().hex}
                connection.execute(of_documents.replace(DOCUMENTS), row)
        return
    for store in stores.values():
        with store.writing() as connection:
            _fill(connection, store, archive, count)
    wanted = {(home, name) for home, name, _ in kept}
    try:
        for home, name, _ in _documents(workspace):
            if (home, name) not in wanted:
                workspace.places.documents(*home.split("/")).remove(name)
        for home, name, text in kept:
            workspace.places.documents(*home.split("/")).write(name, text)
    except OSError as error:
        raise StorageError.about("documents", workspace.data_dir, "cannot be written", error) from error


def _fill(connection: Connection, store: Database, archive: Archive, count: Callable[[], None]) -> None:
    """Replaces a store's rows by those of the archive."""
    tables = store.schema.tables.sorted_tables
    for table in tables:
        if store.shared:
            connection.execute(sql.text(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE"))
        connection.execute(sql.delete(table))
    for name, found in _rows_of(store.schema, archive, count):
        table = store.schema.tables.tables[name]
        while part := list(islice(found, _ROWS)):
            connection.execute(sql.insert(table), part)
    for table in tables:
        if store.shared and (counted := table.autoincrement_column) is not None and counted.autoincrement is True:
            # What is given next is above all that are there.
            connection.execute(
                sql.select(
                    sql.func.setval(
                        sql.func.pg_get_serial_sequence(table.name, counted.name),
                        sql.select(sql.func.coalesce(sql.func.max(counted), 1)).scalar_subquery(),
                        sql.select(sql.func.count() > 0).select_from(table).scalar_subquery(),
                    )
                )
            )


def _rows_of(
    schema: Schema, archive: Archive, count: Callable[[], None]
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """The rows of each of a schema's tables, as this release has them."""
    told = archive.manifest["schemas"][schema.name]
    if told["version"] == schema.version:
        for table, described in told["tables"].items():
            found = archive.rows(table_file(table))
            yield table, (_counted(dict(zip(described["columns"], row, strict=True)), count) for row in found)
        return
    with TemporaryDirectory() as folder:
        # A file as that release had it is brought up to date as any other.
        file = Path(folder) / "earlier.sqlite"
        engine = sql.create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            for table, described in told["tables"].items():
                if not described["made by"].lstrip().startswith("CREATE TABLE"):
                    raise ValueError(f"file: {table} is made by no CREATE TABLE; give another backup")
                connection.exec_driver_sql(described["made by"])
                places = ", ".join("?" for _ in described["columns"])
                columns = ", ".join(f'"{name}"' for name in described["columns"])
                for row in archive.rows(table_file(table)):
                    connection.exec_driver_sql(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', tuple(row))
            connection.exec_driver_sql("CREATE TABLE schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL)")
            connection.exec_driver_sql("INSERT INTO schema_versions VALUES (?, ?)", (schema.name, told["version"]))
        engine.dispose()
        with Database(file, schema, schema.name).snapshot() as connection:
            for one in schema.tables.sorted_tables:
                names = [column.name for column in one.columns]
                yield one.name, (dict(zip(names, row, strict=True)) for row in in_order(one, connection, count))


def _counted(row: dict[str, Any], count: Callable[[], None]) -> dict[str, Any]:
    count()
    return row


def _remove_others(workspace: Workspace, files: set[str]) -> None:
    """Removes what was there before and is not in the archive."""
    of_versions = version_files(workspace)
    for project in sorted({name.partition("/")[0] for name in of_versions.modified()}):
        for version in workspace.versions.versions(project):
            if f"{MODELS}/{project}/{version}{SUMS}" not in files:
                workspace.versions.drop(project, version)
    for name in of_versions.modified():
        if _OF_VERSION.fullmatch(name) and f"{MODELS}/{name}" not in files:
            of_versions.remove(name)
    for digest in photographs(workspace):
        if f"photographs/{digest}" not in files:
            workspace.photographs.files.remove(digest)
    for folder in (workspace.data_dir / JOBS).glob("*"):
        workspace.progress(folder.name).clear()
