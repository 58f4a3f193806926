"""SceneFile: the arrays of opened photographs in an unnamed file, so that only those in use take memory.

An annotator thinks for seconds between two clicks, and a scene takes megabytes. In a file that is mapped into memory it
is at hand all the same: ``rest`` gives its memory back, and whoever reads it next gets it from the system's cache of
the disk, in a millisecond and without being opened again. The file has no name, so nothing of it stays when the process
ends, however it ends.

Concurrency: a lock guards the free ranges. Arrays are read by any thread, also while they are given rest.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

ROOM: Final = 1 << 16
"""Bytes of which each place is a multiple: Linux maps so many around a page that is read, as they lie in the file. Were
part of them another array's, that would come back into memory with its neighbour, and nobody would give it rest."""

_REMOVE: Final[int] = getattr(mmap, "MADV_REMOVE", mmap.MADV_DONTNEED)
"""Takes pages out of memory and of the system's cache as well. Were they left there, the next arrays would lie across
the pieces in which it has the file, and Linux maps whole pieces, as large as 2 MiB."""


class SceneFile:
    """A file of fixed size in which arrays have their places until nobody refers to them any more.

    Args:
        folder: on whose disk the file lies; its blocks are taken as they are needed.
        most_bytes: for arrays.

    Raises:
        OSError: no such file can be made there.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        room = most_bytes // ROOM * ROOM
        self._size = room + ROOM
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        os.truncate(self._file.fileno(), self._size)
        self._map = mmap.mmap(self._file.fileno(), self._size)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self._lock = threading.Lock()
        self._free = [(-self._start % ROOM, room)]  # It is addresses that Linux goes by.
        # A finaliser may run anywhere, also where the lock is held.
        self._returned: deque[tuple[int, int]] = deque()

    def place(self, array: NDArray[Any]) -> NDArray[Any]:
        """An equal array that lies in the file and cannot be written to; ``array`` itself if there is no room for it.

        The room ends where the file or its disk is full.
        """
        if not array.nbytes or (offset := self._take(size := _rooms(array.nbytes))) is None:
            return array
        try:
            self._write(np.ascontiguousarray(array), offset)
        except OSError:  # Writing fails where the disk is full; a write to mapped memory would end the process.
            self._returned.append((offset, size))
            return array
        room = (ctypes.c_char * array.nbytes).from_buffer(self._map, offset)
        # Every view of the array keeps the room.
        weakref.finalize(room, self._returned.append, (offset, size)).atexit = False
        placed: NDArray[Any] = np.ndarray(array.shape, array.dtype, cast(Any, room))
        placed.flags.writeable = False
        return placed

    def rest(self, arrays: Iterable[NDArray[Any]]) -> None:
        """Gives back the memory of those arrays that lie in the file, until somebody reads them."""
        for array in arrays:
            offset = array.ctypes.data - self._start
            if 0 <= offset < self._size:
                self._map.madvise(mmap.MADV_DONTNEED, offset, _rooms(array.nbytes))

    def _write(self, array: NDArray[Any], offset: int) -> None:
        left = array.reshape(-1).view(np.uint8).data
        while left:
            written = os.pwrite(self._file.fileno(), left, offset)
            left, offset = left[written:], offset + written

    def _take(self, size: int) -> int | None:
        """The start of the first free range that is large enough; the rest of it stays free."""
        with self._lock:
            while self._returned:
                self._give_back(*self._returned.popleft())
            for number, (offset, free) in enumerate(self._free):
                if free >= size:
                    self._free[number : number + 1] = [(offset + size, free - size)] if free > size else []
                    return offset
            return None

    def _give_back(self, offset: int, size: int) -> None:
        """A range becomes free, and one with those that it touches."""
        before = [one for one in self._free if one[0] + one[1] == offset]
        after = [one for one in self._free if one[0] == offset + size]
        try:
            self._map.madvise(_REMOVE, offset, size)
        except OSError:  # Not every kind of disk can.
            self._map.madvise(mmap.MADV_DONTNEED, offset, size)
        for start, length in (*before, *after):
            self._free.remove((start, length))
            offset, size = min(offset, start), size + length
        self._free.append((offset, size))
        self._free.sort()


def _rooms(size: int) -> int:
    """Bytes of the whole rooms that ``size`` bytes take."""
    return -(-size // ROOM) * ROOM
