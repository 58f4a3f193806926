"""The disk cache: bounds, order of eviction, damage, several threads and processes."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ihp_backend.label_studio.web.image_cache import ImageCache


def taken(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def used_at(folder: Path, seconds: float) -> None:
    """Make the file that is in no order yet the one used at `seconds`."""
    newest = max(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    os.utime(newest, (seconds, seconds))


def test_keeps_bytes_by_whole_address(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "a" / "b", 10_000)
    assert cache.get("http://host/a?1") is None
    cache.put("http://host/a?1", b"one")
    cache.put("http://host/a?2", b"two")
    cache.put("http://host/\udc80", b"")
    assert cache.get("http://host/a?1") == b"one"
    assert ImageCache(tmp_path / "a" / "b", 10_000).get("http://host/a?2") == b"two"
    assert cache.get("http://host/\udc80") == b""


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 8 * 1024)
    for number in range(6):
        cache.put(str(number), bytes(1000))
        used_at(tmp_path, 1000 + number)
    assert cache.get("0") is not None
    cache.put("6", bytes(1000))
    cache.put("7", bytes(1000))
    assert [number for number in range(8) if cache.get(str(number)) is not None] == [0, 3, 4, 5, 6, 7]


def test_the_bound_holds_after_every_put(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 50_000)
    for number in range(300):
        cache.put(str(number), bytes(number * 7 % 3000))
        assert taken(tmp_path) <= 50_000
    assert taken(tmp_path) > 30_000, "the cache is used, not emptied"


def test_larger_than_the_cache_is_not_kept(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path, 1000)
    cache.put("small", bytes(100))
    cache.put("large", bytes(1000))
    assert cache.get("large") is None
    assert cache.get("small") is not None


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 500])
def test_damaged_files_are_dropped(tmp_path: Path, damage: bytes) -> None:
    cache = ImageCache(tmp_path, 10_000)
    cache.put("a", b"image")
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert cache.get("a") is None
    assert list(tmp_path.iterdir()) == []
    cache.put("a", b"image")
    assert cache.get("a") == b"image"


def test_only_its_own_files_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_bytes(bytes(5000))
    abandoned = {"image-abandoned.part", f".{'0' * 64}.abandoned.part"}  # of an earlier version and of this one
    for name in abandoned:
        (tmp_path / name).write_bytes(bytes(500))
        os.utime(tmp_path / name, (1000, 1000))
    under_way = f".{'1' * 64}.under-way.part"
    (tmp_path / under_way).write_bytes(bytes(10))
    os.utime(tmp_path / under_way, (time.time() - 60, time.time() - 60))
    cache = ImageCache(tmp_path, 4000)
    for number in range(8):
        cache.put(str(number), bytes(1000))
    names = {file.name for file in tmp_path.iterdir()}
    assert "thesis.txt" in names
    assert under_way in names, "whoever writes it must be able to rename it"
    assert not abandoned & names


def test_a_full_disk_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = ImageCache(tmp_path, 10_000)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with caplog.at_level(logging.WARNING):
        cache.put("a", b"image")
        cache.put("b", b"image")
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == ["No space left on device"]
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    cache.put("a", b"image")
    assert cache.get("a") == b"image"


def test_a_folder_that_disappears_comes_back(tmp_path: Path) -> None:
    cache = ImageCache(tmp_path / "cache", 10_000)
    cache.put("a", b"image")
    for file in (tmp_path / "cache").iterdir():
        file.unlink()
    (tmp_path / "cache").rmdir()
    assert cache.get("a") is None
    cache.put("a", b"image")
    assert cache.get("a") == b"image"


WRITER = """
import sys
from pathlib import Path
from ihp_backend.label_studio.web.image_cache import ImageCache
cache = ImageCache(Path(sys.argv[1]), 60_000)
for number in range(200):
    key = str(number % 40)
    data = cache.get(key)
    assert data is None or data == key.encode() * 1000, key
    cache.put(key, key.encode() * 1000)
"""


def test_threads_and_processes_share_a_folder(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stderr=subprocess.PIPE) for _ in range(2)
    ]
    cache = ImageCache(tmp_path, 60_000)
    wrong: list[str] = []

    def work(start: int) -> None:
        for number in range(start, start + 200):
            key = str(number % 40)
            data = cache.get(key)
            if data is not None and data != key.encode() * 1000:
                wrong.append(key)
            cache.put(key, key.encode() * 1000)

    threads = [threading.Thread(target=work, args=(start,)) for start in (0, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
        assert errors == b""
    assert wrong == []
    cache.put("last", bytes(100))
    assert taken(tmp_path) <= 60_000
