from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ihp_backend.storage.atomic_files import whole_file, write_whole


def test_writers_of_the_same_process_number_do_not_meet(tmp_path: Path) -> None:
    # Threads stand for containers that share a folder, in each of which the writer may be process 7.
    file, texts = tmp_path / "report.json", [str(number) * 1000 for number in range(8)]

    def write(text: str) -> None:
        for _ in range(20):
            write_whole(file, text)

    with ThreadPoolExecutor(len(texts)) as writers:
        list(writers.map(write, texts))
    assert file.read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("durable", [True, False])
def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path, durable: bool) -> None:
    file = tmp_path / "report.json"
    write_whole(file, "old", durable=durable)

    def write_half() -> None:
        with whole_file(file, durable=durable) as part:
            part.write(b"half of the n")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_half()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report.json": "old"}


def test_readers_see_nothing_before_the_end(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    with whole_file(file) as part:
        part.write(b"new")
        part.flush()
        assert not file.exists()
    assert file.read_text() == "new"


def test_permissions_are_those_asked_for_from_the_beginning(tmp_path: Path) -> None:
    with whole_file(tmp_path / "account.json", mode=0o600):
        (part,) = tmp_path.iterdir()
        assert part.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "account.json").stat().st_mode & 0o777 == 0o600
