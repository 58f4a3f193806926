"""Files for their owner only: what other users of the machine may do with them is taken away."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def new_files_for_owner_only() -> None:
    """Has this process, and those that it starts, make files and folders that nobody else can open."""
    os.umask(_OTHERS)


def close_to_others(paths: Iterable[Path]) -> int:
    """Closes files, and folders with all below them, to everybody but their owner; gives how many were open.

    Links are not followed. What belongs to another user stays as it is, and is logged.
    """
    closed = 0
    for path in paths:
        for each in _below(path):
            try:
                mode = each.lstat().st_mode
                if not stat.S_ISLNK(mode) and mode & _OTHERS:
                    each.chmod(stat.S_IMODE(mode) & ~_OTHERS)
                    closed += 1
            except FileNotFoundError:
                pass  # A file that was replaced meanwhile.
            except OSError as error:
                logger.warning("%s stays open to others (%s); give it to this user with chown", each, error.strerror)
    return closed


def _below(path: Path) -> Iterator[Path]:
    yield path
    if not path.is_symlink():
        for folder, folders, files in os.walk(path):
            yield from (Path(folder) / name for name in (*folders, *files))
