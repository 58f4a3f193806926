from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ihp_backend.retraining.durable import write_whole


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
