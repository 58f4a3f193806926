"""Fetched images on disk, within a bound, the least recently used ones dropped first.

Concurrency: threads and processes share the folder without locks. Files come into being under their final name
by a rename and are never changed, so that a reader sees a whole file or none; each begins with the digest of
what follows, which also catches what a power failure or a full disk left behind. A file that disappears
between two steps was evicted by someone else and counts as not kept.

Nothing here ever fails a fetch: a folder that cannot be used is logged once and then does without.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Container
from pathlib import Path

from ihp_backend.storage.atomic_files import whole_file

logger = logging.getLogger(__name__)

_DIGEST_BYTES = 32
_ABANDONED_SECONDS = 3600.0
_TEMPORARY = ".part"
# Nothing else in the folder is touched: it may have been given by mistake.
_OURS = re.compile(r"[0-9a-f]{64}|\.[0-9a-f]{64}\..*\.part|image-.*\.part")  # the last: of earlier versions


class ImageCache:
    """Bytes by address.

    Args:
        folder: where the files lie; made when the first one is kept.
        max_bytes: bound of their sum. Every process looks at the whole folder again after writing 1/64 of it,
            and drops down to 7/8: four processes together stay below the bound.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._unseen = 0
        self._never_looked = True
        self._complained = False

    def get(self, url: str) -> bytes | None:
        """The bytes kept for `url`; None if there are none, or not all."""
        path = self._path(url)
        try:
            stored = path.read_bytes()
            digest, data = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
            if hashlib.sha256(data).digest() != digest:
                path.unlink(missing_ok=True)
                return None
            os.utime(path)  # the order of eviction
            return data
        except FileNotFoundError:
            return None
        except OSError as error:
            self._complain(error)
            return None

    def put(self, url: str, data: bytes) -> None:
        """Keep `data` for `url`, unless it is larger than the whole cache may be."""
        size = len(data) + _DIGEST_BYTES
        if size > self._max_bytes * 7 // 8:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._never_looked or self._unseen + size > self._max_bytes // 64:
                self._evict(self._max_bytes * 7 // 8 - size)
                self._unseen, self._never_looked = 0, False
            self._unseen += size
            with whole_file(self._path(url), durable=False, mode=0o600) as file:
                file.write(hashlib.sha256(data).digest())
                file.write(data)
        except OSError as error:
            self._complain(error)

    def forget(self, digests: Container[str], unused_since: float) -> int:
        """Drops the images with some SHA-256 sums, and those not used since a time (Unix seconds); gives how many."""
        dropped = 0
        if not self._folder.is_dir():
            return 0
        for entry in os.scandir(self._folder):
            try:
                if not _OURS.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
                with open(entry.path, "rb") as file:
                    digest = file.read(_DIGEST_BYTES).hex()
                if digest in digests or entry.stat(follow_symlinks=False).st_mtime < unused_since:
                    Path(entry.path).unlink()
                    dropped += 1
            except FileNotFoundError:
                continue
        return dropped

    def _path(self, url: str) -> Path:
        return self._folder / hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()

    def _evict(self, bound: int) -> None:
        """Drop the least recently used files until the others take `bound` bytes or less."""
        files: list[tuple[float, int, str]] = []
        now = time.time()
        total = 0
        for entry in os.scandir(self._folder):
            try:
                state = entry.stat(follow_symlinks=False)
                if not _OURS.fullmatch(entry.name) or not entry.is_file(follow_symlinks=False):
                    continue
            except FileNotFoundError:
                continue
            total += state.st_size
            if not entry.name.endswith(_TEMPORARY):
                files.append((state.st_mtime, state.st_size, entry.path))
            elif now - state.st_mtime > _ABANDONED_SECONDS:
                files.append((0.0, state.st_size, entry.path))
            # Any other temporary file is being written: without it, its writer could not rename it.
        for used, size, path in sorted(files):
            if total <= bound and used > 0:
                break
            Path(path).unlink(missing_ok=True)
            total -= size

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            logger.warning(
                "image cache %s cannot be used, images are fetched each time: %s", self._folder, error.strerror
            )
