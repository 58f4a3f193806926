"""Files that are either there as a whole or not at all, whatever is killed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from uuid import uuid4


def sync_folder(folder: Path) -> None:
    """Makes sure that what was created, renamed or removed in a folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_files(folder: Path) -> None:
    """Makes sure that every file below a folder is on disk, and the folders themselves."""
    for place, _, names in os.walk(folder, topdown=False):
        for name in names:
            with (Path(place) / name).open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(Path(place))


def write_whole(path: Path, content: str | bytes) -> None:
    """Replaces a file by ``content`` in one step; readers see the old one or the new one."""
    # Not named after the process: in containers that share a folder, several have the same number.
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """The same with JSON."""
    write_whole(path, json.dumps(value, indent=1) + "\n")
