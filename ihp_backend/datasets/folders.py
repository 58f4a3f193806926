"""Folders: files found by name, also where a disk writes the name in another way than a list does."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PHOTOGRAPH_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
MASK_ENDINGS = (".png", ".bmp", ".tif", ".tiff", ".gif")
"""Without JPEG, which changes ids."""

_DEBRIS = ("thumbs.db", "desktop.ini", "__macosx")


def is_debris(name: str) -> bool:
    """Whether an operating system left that file there: ``._a.png``, ``.DS_Store``, ``Thumbs.db``."""
    return name.startswith(".") or name.lower() in _DEBRIS


def without_ending(name: str) -> str:
    """A file's name without the ending of a picture, whether in capitals or not; other dots belong to the name."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and f"{dot}{ending}".lower() in (*PHOTOGRAPH_ENDINGS, *MASK_ENDINGS) else name


@dataclass(frozen=True)
class _Listing:
    names: frozenset[str]
    by_key: Mapping[str, str]


class Folders:
    """Folders as they are now, each of them listed once.

    Args:
        exact: whether only names count that are exactly as written.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self._listings: dict[Path, _Listing] = {}

    def names(self, folder: Path) -> list[str]:
        """Names of the files in a folder, in order, without debris; none where there is no such folder."""
        return sorted(self._listing(folder).names)

    def find(self, base: Path, path: str, endings: Sequence[str] = ()) -> Path | None:
        """The file or folder below ``base`` whose path is written ``path``, or None.

        The exact name comes first. Then Unicode may be composed or decomposed, and the ending in capitals or not; then
        the ending may be any of ``endings``.
        """
        place: Path | None = base
        *folders, name = PurePosixPath(path).parts or ("",)
        for folder in folders:
            place = place and self._inside(place, folder)
        if place is None:
            return None
        stem = without_ending(name)
        others = [] if self.exact else [stem + ending for ending in endings]
        return next((found for one in (name, *others) if (found := self._inside(place, one))), None)

    def _inside(self, folder: Path, name: str) -> Path | None:
        listing = self._listing(folder)
        written = name if name in listing.names else listing.by_key.get(_key(name))
        return folder / written if written is not None and (written == name or not self.exact) else None

    def _listing(self, folder: Path) -> _Listing:
        if folder not in self._listings:
            try:
                names = sorted(name for name in os.listdir(folder) if not is_debris(name))
            except (OSError, ValueError):  # No folder, or a name that cannot be one.
                names = []
            self._listings[folder] = _Listing(frozenset(names), {_key(name): name for name in reversed(names)})
        return self._listings[folder]


def _key(name: str) -> str:
    stem, dot, ending = unicodedata.normalize("NFC", name).rpartition(".")
    return f"{stem}{dot}{ending.lower()}"
