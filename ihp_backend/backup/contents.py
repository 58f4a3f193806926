"""What of an installation is in a backup: all that cannot be made again.

Not in it: credentials and other secrets; fetched photographs, label maps and open photographs, which are made again;
what a fine-tuning job keeps while it is under way, which is begun again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from ihp_backend.finetuning.accepted_index import INDEX
from ihp_backend.finetuning.photograph_store import DIGEST
from ihp_backend.finetuning.progress import TOLD
from ihp_backend.finetuning.schedule import TRAINED_STATE
from ihp_backend.finetuning.workspace import ACCEPTED, JOBS, Workspace
from ihp_backend.model_registry.promotions import PROMOTIONS
from ihp_backend.model_registry.versions import MODELS, NAME, SUMS
from ihp_backend.storage.database import Database
from ihp_backend.storage.database_documents import DOCUMENTS
from ihp_backend.storage.files import Files, FolderFiles
from ihp_backend.storage.storage_error import StorageError

Document = tuple[str, str, str]
"""Where it belongs, such as "models/3"; its name; its text."""

KEPT: dict[str, tuple[str, ...]] = {JOBS: (*TOLD, TRAINED_STATE), MODELS: (PROMOTIONS,), ACCEPTED: (INDEX,)}
"""The documents, by where they belong."""

VERSION_SUMS = re.compile(rf"({NAME.pattern}/{NAME.pattern}){re.escape(SUMS)}")
"""Name of the file with a version's sums, below the versions of all projects; its first group is the version."""


@dataclass(frozen=True)
class Versions:
    """The files of the versions of all projects.

    Attributes:
        files: they, by project, version and name.
        listed: names of the files of each whole version, oldest version first.
    """

    files: Files
    listed: dict[str, list[str]]

    @classmethod
    def of(cls, workspace: Workspace) -> Versions:
        """Those that there are at present; raises ``StorageError``."""
        files = version_files(workspace)
        written = files.modified()
        sums = {found[1]: written[name] for name in written if (found := VERSION_SUMS.fullmatch(name))}
        listed = dict[str, list[str]]()
        for version in sorted(sums, key=lambda version: (sums[version], version)):
            below = [name for name in written if name.startswith(f"{version}/") and "/." not in name]
            if below:
                listed[version] = sorted(below)
        return cls(files, listed)


def version_files(workspace: Workspace) -> Files:
    """The files of the versions of all projects, by project, version and name."""
    places = workspace.places
    return places.remote("version", MODELS) or FolderFiles(places.folder(MODELS), "version")


def databases(workspace: Workspace) -> dict[str, Database]:
    """The stores with tables, by their schemas' names; the documents aside."""
    # Before the events: what is taken in of events that are not there would hide those that get their numbers.
    stores = (workspace.annotation_store, workspace.photographs, workspace.click_memory(), workspace.inbox)
    return {store.database.schema.name: store.database for store in stores}


def documents(workspace: Workspace, kind: str, shared: Connection | None) -> Iterator[Document]:
    """The documents of a kind, of all projects.

    Args:
        workspace: whose.
        kind: of ``KEPT``.
        shared: a snapshot of the database that has them; None: they are in the data folder.
    """
    if shared is not None:
        table = DOCUMENTS.c
        query = sql.select(table.home, table.name, table.text).where(table.name.in_(KEPT[kind]))
        ours = table.home.startswith(f"{kind}/", autoescape=True)
        for home, name, text in shared.execute(query.where(ours).order_by(table.home, table.name)):
            yield home, name, text
        return
    for folder in sorted((workspace.data_dir / kind).glob("*")):
        texts = workspace.places.documents(kind, folder.name)
        for name in KEPT[kind]:
            try:
                text = texts.read(name) if folder.is_dir() else None
            except OSError as error:
                raise StorageError.about("documents", folder / name, "cannot be read", error) from error
            if text is not None:
                yield f"{kind}/{folder.name}", name, text


def photographs(workspace: Workspace) -> list[str]:
    """Sums of the image files that are kept; raises ``StorageError``."""
    return sorted(name for name in workspace.photographs.files.modified() if DIGEST.fullmatch(name))


def rows(connection: Connection, tables: Iterable[sql.Table]) -> int:
    """How many there are."""
    return sum(connection.scalar(sql.select(sql.func.count()).select_from(table)) or 0 for table in tables)


def table_file(name: str) -> str:
    """The archive's file with a table's rows."""
    return f"tables/{name}.jsonl.gz"


def in_order(query: sql.Table, connection: Connection, count: Callable[[], None]) -> Iterator[tuple[object, ...]]:
    """A table's rows by their keys, a few at a time."""
    ordered = sql.select(query).order_by(*query.primary_key)
    for row in connection.execute(ordered, execution_options={"yield_per": 50}):
        yield tuple(row)
        count()
