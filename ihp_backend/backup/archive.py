"""The archive of a backup: a tar of files with their sums, of which not one byte may differ.

    tables/NAME.jsonl.gz              a row per line, a list of its values
    models/PROJECT/VERSION/...        a version, and then
    models/PROJECT/VERSION.sums.json  its sums as it was made
    photographs/SUM                   an image file
    manifest.json                     the release, the schemas, and how each table was made
    SHA256SUMS                        the sums of all of these; last, so that what was cut off has none

``tar -xf`` and ``sha256sum -c SHA256SUMS`` read it, too.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, cast

from ihp_backend.storage.atomic_files import whole_file
from ihp_backend.storage.storage_error import StorageError

Counted = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Shows how far something is: takes what is done and the number of steps, gives what is called after each."""

FORMAT = 1
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"

_CHUNK = 1 << 20
_ANOTHER = "give another backup"


class ArchiveWriter:
    """Adds to an archive that is being written."""

    def __init__(self, archive: tarfile.TarFile, folder: Path) -> None:
        self._archive, self._folder = archive, folder
        self._sums: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Adds a file."""
        self._add(name, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())

    def add_rows(self, name: str, rows: Iterable[Sequence[Any]]) -> int:
        """Adds a file with a row per line; gives how many."""
        number = 0
        # Not in memory: the events of a year have gigabytes.
        with TemporaryFile(dir=self._folder) as content:
            with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=3, mtime=0) as lines:
                for row in rows:
                    lines.write(json.dumps([_plain(value) for value in row], separators=(",", ":")).encode() + b"\n")
                    number += 1
            size = content.tell()
            content.seek(0)
            summed = _sum(content)
            content.seek(0)
            self._add(name, content, size, summed)
        return number

    def close(self) -> None:
        """Adds the sums."""
        self.add(SUMS, "".join(f"{summed}  {name}\n" for name, summed in self._sums.items()).encode())

    def _add(self, name: str, content: IO[bytes], size: int, summed: str) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(time.time())
        self._archive.addfile(member, content)
        self._sums[name] = summed


@contextmanager
def new_archive(file: Path) -> Iterator[ArchiveWriter]:
    """An archive to fill, for its owner only, which is there after the block and not at all if that raises.

    Raises:
        StorageError: it cannot be written, or there is such a file already.
    """
    if file.exists():
        raise StorageError(f"file: {file} is there already; give another name, or remove it")
    try:
        # PAX: names and files of any length.
        with (
            whole_file(file, mode=0o600) as opened,
            tarfile.open(fileobj=opened, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            writer = ArchiveWriter(archive, file.parent)
            yield writer
            writer.close()
    except OSError as error:
        raise StorageError.about("file", file, "cannot be written", error) from error


class Archive:
    """An archive that was found whole.

    Attributes:
        manifest: what it says of itself.
        names: of the files in it, in their order, but for the manifest and the sums.
    """

    def __init__(self, file: Path, archive: tarfile.TarFile, members: Sequence[tarfile.TarInfo]) -> None:
        self._file, self._archive = file, archive
        self._members = {member.name: member for member in members}
        self.names = [name for name in self._members if name not in (MANIFEST, SUMS)]
        try:
            self.manifest: dict[str, Any] = json.loads(self.read(MANIFEST))
            found = self.manifest["format"]
        except (KeyError, TypeError, ValueError) as error:
            raise StorageError(f"file: {file} is no backup of this program ({error!r}); {_ANOTHER}") from None
        if found != FORMAT:
            raise StorageError(
                f"file: {file} was written by a later release (format {found}, this one knows {FORMAT}); "
                "install that release"
            )

    def read(self, name: str) -> bytes:
        """A file in it."""
        return self._open(name).read()

    def rows(self, name: str) -> Iterator[list[Any]]:
        """The rows that ``ArchiveWriter.add_rows`` wrote."""
        with gzip.GzipFile(fileobj=self._open(name)) as lines:
            for line in lines:
                yield [_value(value) for value in json.loads(line)]

    def _open(self, name: str) -> IO[bytes]:
        opened = self._archive.extractfile(self._members[name])
        assert opened is not None  # Only regular files are let in.
        return opened


@contextmanager
def open_archive(file: Path, counted: Counted) -> Iterator[Archive]:
    """An archive, once each of its bytes is found as it was written.

    Raises:
        StorageError: it cannot be read, is damaged, or of a later release.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(tarfile.open(file, mode="r:"))
            members = archive.getmembers()
            if not members or members[-1].name != SUMS or not all(member.isfile() for member in members):
                raise StorageError(f"file: {file} is not whole, its end is missing; {_ANOTHER}")
            _check(file, archive, members, counted)
        except (tarfile.TarError, EOFError) as error:
            raise StorageError(f"file: {file} is no backup, or is damaged ({error}); {_ANOTHER}") from None
        except OSError as error:
            raise StorageError(
                f"file: {file} cannot be read ({error.strerror}); name the archive of a backup"
            ) from None
        yield Archive(file, archive, members)


def _check(file: Path, archive: tarfile.TarFile, members: Sequence[tarfile.TarInfo], counted: Counted) -> None:
    wanted = dict[str, str]()
    for line in cast(IO[bytes], archive.extractfile(members[-1])).read().decode(errors="replace").splitlines():
        summed, _, name = line.partition("  ")
        wanted[name] = summed
    if [member.name for member in members[:-1]] != list(wanted):
        raise StorageError(f"file: {file} does not hold what its {SUMS} lists; {_ANOTHER}")
    with counted("checking", len(members) - 1) as count:
        for member in members[:-1]:
            if _sum(cast(IO[bytes], archive.extractfile(member))) != wanted[member.name]:
                raise StorageError(f"file: {member.name} in {file} is damaged; {_ANOTHER}")
            count()


def _sum(content: IO[bytes]) -> str:
    summed = hashlib.sha256()
    while part := content.read(_CHUNK):
        summed.update(part)
    return summed.hexdigest()


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, (bytes, memoryview)) else value


def _value(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value
