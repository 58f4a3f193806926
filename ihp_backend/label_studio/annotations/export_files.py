"""Files of an export: one JSON file, also compressed, or a folder with one JSON file per task or annotation."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ihp_backend.datasets.folders import is_debris
from ihp_backend.datasets.text_files import decoded
from ihp_backend.label_studio.loose_json import as_object

_GZIP, _ZIP = b"\x1f\x8b", b"PK"
_ENDINGS = (".json", ".json.gz")
_NAMED_IN_ERRORS = 5


def read_tasks(root: Path) -> tuple[Path, list[Any], str | None]:
    """The tasks of an export.

    Args:
        root: the exported file; or a folder with just one, with one file per task, or with one per annotation, as Label
            Studio's storages for results write them.

    Returns:
        The file that was exported, or the folder of several; its tasks, not looked at; what was assumed, or None.

    Raises:
        FileNotFoundError: there is no such file, or not just one.
        ValueError: a file holds no JSON, or no tasks.
    """
    files = _files(root)
    if len(files) == 1:
        held = _read(files[0])
        if isinstance(held, list):
            return files[0], held, None
        if not isinstance(held, dict) or not _is_task_or_annotation(held):
            raise ValueError(f"{files[0]}: holds no list of tasks; export the project as JSON")
        return files[0], _joined([held]), f"{files[0].name} is one task or annotation and not a list of tasks"
    contents = [_read(file) for file in files]
    others = [
        file for file, held in zip(files, contents, strict=True)
        if not isinstance(held, dict) or not _is_task_or_annotation(held)
    ]  # fmt: skip
    if others:
        names = ", ".join(file.name for file in files[:_NAMED_IN_ERRORS])
        raise FileNotFoundError(
            f"root: {root} holds {len(files)} JSON files ({names}), not all with one task each ({others[0].name} has "
            "not); give the one that was exported"
        )
    tasks = _joined(contents)
    return root / files[0].name, tasks, f"the {len(files)} JSON files of {root} are {len(tasks)} tasks of one project"


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    if not root.exists():
        raise FileNotFoundError(f"root: {root} is missing; give the JSON export of a Label Studio project")
    there = [file for file in sorted(root.iterdir()) if file.is_file() and not is_debris(file.name)]
    # Older storages for results name files by the annotation's id alone.
    found = [file for file in there if file.name.lower().endswith(_ENDINGS)] or [
        file for file in there if file.name.isdigit()
    ]
    if not found:
        raise FileNotFoundError(f"root: {root} holds 0 JSON files (none); give the one that was exported")
    return found


def _read(file: Path) -> Any:
    try:
        content = file.read_bytes()
        if content.startswith(_GZIP):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{file}: cannot be read ({error}); export the project again") from None
    if content.startswith(_ZIP):
        raise ValueError(f"{file}: is a zip archive; unpack it and give the folder or the JSON file in it")
    text, _ = decoded(content, file)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: no JSON ({error}); export the project as JSON") from None


def _is_task_or_annotation(held: dict[str, Any]) -> bool:
    return isinstance(held.get("annotations"), list) or _is_annotation(held)


def _is_annotation(held: dict[str, Any]) -> bool:
    return isinstance(held.get("result"), list) and "id" in as_object(held.get("task"))


def _joined(contents: Sequence[dict[str, Any]]) -> list[Any]:
    """Tasks as they are, and annotations with their task in them gathered task by task."""
    tasks: list[Any] = []
    of_annotations: dict[str, dict[str, Any]] = {}
    for held in contents:
        if not _is_annotation(held):
            tasks.append(held)
            continue
        number = str(held["task"].get("id"))
        if number not in of_annotations:
            of_annotations[number] = {**held["task"], "annotations": []}
            tasks.append(of_annotations[number])
        of_annotations[number]["annotations"].append(held)
    return tasks
