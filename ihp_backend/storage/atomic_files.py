"""Files that are either there as a whole or not at all, whatever is killed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any
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


@contextmanager
def whole_file(path: Path, *, durable: bool = True, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """A file to write, which replaces ``path`` in one step after the block and is gone if that raises.

    What is killed in between leaves a file ``.NAME.*.part`` beside it.

    Args:
        path: of the file; readers see the old one or the new one.
        durable: whether a power failure, too, must leave one of the two. Without it such a failure may leave an empty
            or broken file, which is enough for what can be made again and tells whether it is whole.
        mode: permissions of the file, less the process's mask.
    """
    # The name is not the process's: in containers that share a folder, several processes have one number.
    part = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        with open(part, "xb", opener=partial(os.open, mode=mode)) as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_whole(path: Path, content: str | bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Replaces a file by ``content`` in one step; see ``whole_file``."""
    with whole_file(path, durable=durable, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_json(path: Path, value: Any, *, mode: int = 0o666) -> None:
    """Writes JSON to a file, whole or not at all."""
    write_whole(path, as_json(value), mode=mode)


def as_json(value: Any) -> str:
    """JSON for people to read, too."""
    return json.dumps(value, indent=1) + "\n"
