"""What people take for an export: compressed, in other encodings, in pieces, or something else."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ihp_backend.label_studio.annotations.export_files import read_tasks

TASKS: list[dict[str, Any]] = [
    {"id": number, "data": {"image": f"{number}é.jpg"}, "annotations": [{"id": 10 * number, "result": []}]}
    for number in (1, 2)
]
TEXT = json.dumps(TASKS, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("export.json", TEXT.encode()),
        ("export.json", TEXT.encode("utf-8-sig")),
        ("export.json", TEXT.encode("utf-16")),
        ("export.json", TEXT.replace("\n", "\r\n").encode("utf-32")),
        ("export.json.gz", gzip.compress(TEXT.encode())),
        ("export.json", gzip.compress(TEXT.encode("utf-16"))),
    ],
)
@pytest.mark.parametrize("of", ["file", "folder"])
def test_one_file(name: str, content: bytes, of: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    for debris in ("._export.json", ".DS_Store", "Thumbs.db"):
        (tmp_path / debris).write_bytes(b"\0\5\x16\7")
    file, tasks, assumed = read_tasks(tmp_path / name if of == "file" else tmp_path)
    assert (file, tasks, assumed) == (tmp_path / name, TASKS, None)


def three_annotations() -> dict[str, Any]:
    """Three annotations of two tasks, as a storage for results holds them."""
    tasks = [{key: value for key, value in task.items() if key != "annotations"} for task in TASKS]
    return {
        "10": {"id": 10, "result": [], "task": tasks[0]},
        "11": {"id": 11, "result": [], "task": tasks[0], "was_cancelled": True},
        "20": {"id": 20, "result": [], "task": tasks[1]},
    }


@pytest.mark.parametrize("ending", [".json", "", ".json.gz"])
def test_a_folder_with_a_file_per_annotation(ending: str, tmp_path: Path) -> None:
    for name, held in three_annotations().items():
        content = json.dumps(held).encode()
        (tmp_path / f"{name}{ending}").write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    (tmp_path / "labelling_config.xml").write_text("<View/>")
    _, tasks, assumed = read_tasks(tmp_path)
    assert [(task["id"], [made["id"] for made in task["annotations"]]) for task in tasks] == [(1, [10, 11]), (2, [20])]
    assert tasks[0]["data"] == TASKS[0]["data"]
    assert assumed == f"the 3 JSON files of {tmp_path} are 2 tasks of one project"


def test_a_folder_with_a_file_per_task(tmp_path: Path) -> None:
    for task in TASKS:
        (tmp_path / f"task{task['id']}.json").write_text(json.dumps(task))
    assert read_tasks(tmp_path)[1] == TASKS
    assert read_tasks(tmp_path / "task1.json")[1:] == (
        [TASKS[0]],
        "task1.json is one task or annotation and not a list of tasks",
    )


def two(first: bytes, second: bytes) -> Callable[[Path], None]:
    """Writes two files."""

    def write(folder: Path) -> None:
        (folder / "a.json").write_bytes(first)
        (folder / "b.json").write_bytes(second)

    return write


def one(content: bytes) -> Callable[[Path], None]:
    """Writes one file."""

    def write(folder: Path) -> None:
        (folder / "a.json").write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: None, r"root: .* holds 0 JSON files \(none\); give the one that was exported"),
        (two(b"[]", b"[]"), r"root: .* holds 2 JSON files \(a\.json, b\.json\), not all with one task each \(a\.json"),
        (two(json.dumps(TASKS[0]).encode(), b"{}"), r"not all with one task each \(b\.json has not\)"),
        (one(b"PK\3\4"), r"a\.json: is a zip archive; unpack it and give the folder or the JSON file in it"),
        (one(gzip.compress(b"[]")[:-6]), r"a\.json: cannot be read \(.*\); export the project again"),
        (one("[\n\"é\"]".encode("latin-1")), r"a\.json: line 2 is not UTF-8; save it as UTF-8"),
        (one("[]".encode("utf-16-le")), r"a\.json: line 1 is not UTF-8 \(it has null bytes"),
        (one(b'{"id": 1}\n{"id": 2}'), r"a\.json: no JSON \(Extra data.*\); export the project as JSON"),
        (one(b'{"images": [], "annotations": {}}'), r"a\.json: holds no list of tasks; export the project as JSON"),
        (one(b"[" * 100_000), r"a\.json: no JSON"),
        (one(b""), r"a\.json: no JSON"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused_in_words(write: Callable[[Path], None], message: str, tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises((FileNotFoundError, ValueError), match=message) as caught:
        read_tasks(tmp_path)
    assert not isinstance(caught.value, UnicodeError)
