"""ProjectAccess: how each project's Label Studio is reached, as told by ``/setup``; in memory only, never logged.

Concurrency: the memory is shared by all processes that are forked after it was made. A process that ends while it
writes leaves it empty, and its lock free; ``/setup`` comes again whenever a page of the project opens.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import NamedTuple

_BYTES = 1 << 20
_LENGTH = 8
_LONGEST = 4096
"""Characters of an address or a token; longer ones are none."""


class Access(NamedTuple):
    """Address of Label Studio and a token for it; either may be unknown."""

    hostname: str | None = None
    access_token: str | None = None

    def __repr__(self) -> str:
        return "Access(...)"


class ProjectAccess:
    """The last ``Access`` of each project; safe to use from any number of threads and forked processes.

    Args:
        most_projects: beyond these the least recently set up are dropped.
    """

    def __init__(self, most_projects: int = 1000) -> None:
        self._most_projects = most_projects
        self._threads = threading.Lock()
        self._file = TemporaryFile()  # noqa: SIM115  Stays empty: a lock on it ends with the process that holds it.
        self._shared = mmap.mmap(-1, _BYTES)
        self._text, self._known = b"", dict[str, Access]()

    def remember(self, project: str, access: Access) -> None:
        """Remembers the access that ``/setup`` told."""
        told = Access(*(text if text is None or len(text) <= _LONGEST else None for text in access))
        with self._turn():
            known = dict(self._read())
            known.pop(project, None)
            known[project] = told
            while len(known) > self._most_projects or len(text := json.dumps(known).encode()) > _BYTES - _LENGTH:
                known.pop(next(iter(known)))
            self._shared[:_LENGTH] = bytes(_LENGTH)  # Until the text is whole, there is none.
            self._shared[_LENGTH : _LENGTH + len(text)] = text
            self._shared[:_LENGTH] = len(text).to_bytes(_LENGTH, "big")

    def of(self, project: str) -> Access:
        """The known access to a project; empty for one that was never set up."""
        with self._turn():
            return self._read().get(project, Access())

    def projects(self) -> list[str]:
        """The projects that were set up."""
        with self._turn():
            return list(self._read())

    def _read(self) -> dict[str, Access]:
        text = self._shared[_LENGTH : _LENGTH + int.from_bytes(self._shared[:_LENGTH], "big")]
        if text != self._text:
            known = json.loads(text) if text else {}
            self._text, self._known = text, {project: Access(*access) for project, access in known.items()}
        return self._known

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
