"""StorageError: something could not be kept or read."""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage

_FULL = ("full", "no space")
_FREE = "free some space on its disk"
_SHARED = "check that the database runs and may be used as IHP_DATABASE says"

_MADE_ANEW = "put a copy of it back, or move it away and start server and worker again, which make a new one"
_OTHERWISE = "check that its folder exists and may be written to"
_REMEDIES = (
    ("malformed", f"it is damaged: {_MADE_ANEW}"),
    ("not a database", f"it is damaged: {_MADE_ANEW}"),
    ("no such table", f"it was removed or emptied: {_MADE_ANEW}"),
    ("locked", "another program holds it: end that program, then try again"),
)

_LEAST_FREE = 1 << 17
"""Bytes of a disk that is not full. Of a full one SQLite often says no more than that input or output failed."""


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
        full = any(word in told.lower() for word in _FULL) or (isinstance(place, Path) and _is_full(place.parent))
        if remedy is None and isinstance(place, Path):
            remedy = next((remedy for words, remedy in _REMEDIES if words in told.lower()), _OTHERWISE)
        remedy = remedy or _SHARED
        return cls(f"{field}: {place} {what} ({told}); {_FREE if full else remedy}", disk_full=full)


def _is_full(folder: Path) -> bool:
    try:
        return disk_usage(folder).free < _LEAST_FREE
    except OSError:
        return False
