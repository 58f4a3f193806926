"""Places: where stores are, in a data folder of this machine or where several machines share them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ihp_backend.storage.documents import Documents, FolderDocuments

if TYPE_CHECKING:  # Imported where it is needed: commands that open no store answer at once.
    from sqlalchemy.engine import URL


@dataclass(frozen=True)
class Places:
    """Where stores are.

    Attributes:
        data_dir: this machine's folder; must exist.
        database: PostgreSQL's address as ``postgresql_url`` gives it, for what all machines share; None: SQLite files
            and documents in the data folder.
    """

    data_dir: Path
    database: URL | None = field(default=None, repr=False)

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
