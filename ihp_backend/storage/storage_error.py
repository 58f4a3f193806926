"""StorageError: something could not be kept or read."""

from __future__ import annotations

from pathlib import Path

_FULL = ("full", "no space")
_FREE = "free some space on its disk"
_SHARED = "check that the database runs and may be used as IHP_DATABASE says"


class StorageError(RuntimeError):
    """Something could not be kept or read; ``disk_full`` tells whether for want of space."""

    def __init__(self, message: str, disk_full: bool = False) -> None:
        super().__init__(message)
        self.disk_full = disk_full

    @classmethod
    def about(
        cls, field: str, place: Path | str, what: str, error: Exception, remedy: str | None = None
    ) -> StorageError:
        """The error that names a place, what cannot be done with it, why, and the remedy.

        Args:
            field: what is kept there.
            place: a file or folder, or an address without its password.
            what: cannot be done.
            error: why.
            remedy: what helps; None: what does with a file, or with the database.
        """
        told = " ".join(str(error).split())
        full = any(word in told.lower() for word in _FULL)
        if remedy is None:
            remedy = "check that its folder exists and may be written to" if isinstance(place, Path) else _SHARED
        return cls(f"{field}: {place} {what} ({told}); {_FREE if full else remedy}", disk_full=full)
