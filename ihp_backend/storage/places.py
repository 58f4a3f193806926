"""Places: where stores are, in a data folder of this machine or where several machines share them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ihp_backend.storage.documents import Documents, FolderDocuments
from ihp_backend.storage.files import RemoteFiles

if TYPE_CHECKING:  # Imported where it is needed: commands that open no store answer at once.
    from sqlalchemy.engine import URL


@dataclass(frozen=True)
class Places:
    """Where stores are.

    Attributes:
        data_dir: this machine's folder; must exist.
        database: PostgreSQL's address as ``postgresql_url`` gives it, for what all machines share; None: SQLite files
            and documents in the data folder.
        storage: where versions and photographs are that all machines share, as ``storage_address`` gives it: a folder,
            or an address for fsspec; None: the data folder.
    """

    data_dir: Path
    database: URL | None = field(default=None, repr=False)
    storage: Path | str | None = None

    def described(self) -> str:
        """Where all of it is, in words for a log, without a password."""
        shared = {"database": self.database and self.database.render_as_string(), "storage": self.storage}
        return ", ".join([f"data in {self.data_dir}", *(f"{what} {where}" for what, where in shared.items() if where)])

    def tables(self, file: str) -> Path | URL:
        """Where a store's tables are.

        Args:
            file: SQLite file in the data folder that has them where there is no database.
        """
        return self.database if self.database is not None else self.data_dir / file

    def documents(self, *home: str) -> Documents:
        """Documents that belong together.

        Args:
            home: names of folders, one in the other, below the data folder.

        Raises:
            StorageError: the database cannot be used.
        """
        if self.database is None:
            return FolderDocuments(self.data_dir.joinpath(*home))
        from ihp_backend.storage.database_documents import DatabaseDocuments, documents_database

        return DatabaseDocuments(documents_database(self.database), "/".join(home))

    def folder(self, *home: str) -> Path:
        """A folder for files that all machines share, or of this machine's own copies where ``remote`` has them."""
        return (self.storage if isinstance(self.storage, Path) else self.data_dir).joinpath(*home)

    def remote(self, field: str, *home: str) -> RemoteFiles | None:
        """Files that all machines share and that are in no folder; None: they are in ``folder``.

        Args:
            field: names them in errors.
            home: names, one within the other.
        """
        return RemoteFiles("/".join((self.storage, *home)), field) if isinstance(self.storage, str) else None
