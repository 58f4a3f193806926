"""Tasks of a Label Studio project exported as JSON, as far as masks are concerned.

What counts of a task is the newest annotation that was not cancelled and in which something is drawn. Clicks and boxes
are prompts and left aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.loose_json import objects
from ihp_backend.label_studio.masks.mask_regions import MASK_TYPES, MaskRegion, mask_regions


@dataclass(frozen=True)
class ExportedTask:
    """A task with masks.

    Attributes:
        id: as text.
        name: of the annotation that counts, for errors.
        data: what was imported.
        regions: in the order in which they were made.
    """

    id: str
    name: str
    data: Mapping[str, Any]
    regions: tuple[MaskRegion, ...]


def read_export(file: Path, tasks: Sequence[Any]) -> tuple[list[ExportedTask], dict[str, str]]:
    """The tasks of an export that have masks, and why the others are left out (task id -> reason).

    Args:
        file: where they come from, for errors.
        tasks: as exported, see ``read_tasks``.

    Raises:
        ValueError: they are no tasks, or one stands there twice.
    """
    kept: list[ExportedTask] = []
    left_out: dict[str, str] = {}
    seen: set[str] = set()
    for position, task in enumerate(tasks):
        task_id = str(task.get("id", f"number {position}")) if isinstance(task, dict) else f"number {position}"
        if not isinstance(task, dict) or not isinstance(task.get("annotations"), list):
            raise ValueError(
                f"{file}: task {task_id} has no list of annotations; export as JSON, not as JSON-MIN or COCO"
            )
        if task_id in seen:
            raise ValueError(f"{file}: task {task_id} stands there twice; export the project again")
        seen.add(task_id)
        annotation, reason = _newest(task["annotations"])
        if annotation is None:
            left_out[task_id] = reason
            continue
        data = task.get("data")
        regions = tuple(region.packed() for region in mask_regions(objects(annotation.get("result"))))
        kept.append(ExportedTask(task_id, f"{file}: task {task_id}", data if isinstance(data, dict) else {}, regions))
    return kept, left_out


def _newest(annotations: list[Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The annotation that counts, or why there is none."""
    made = [annotation for annotation in annotations if isinstance(annotation, dict)]
    if not made:
        return None, "not annotated"
    standing = [a for a in made if not a.get("was_cancelled") and not a.get("skipped")]
    if not standing:
        return None, "skipped"
    with_masks = [a for a in standing if any(record.get("type") in MASK_TYPES for record in objects(a.get("result")))]
    if not with_masks:
        return None, "nothing is drawn; clicks and rectangles are prompts and do not count"
    return max(with_masks, key=_age), ""


def _age(annotation: Mapping[str, Any]) -> tuple[str, int]:
    """Sorts by time; Label Studio writes all times in the same form."""
    number = annotation.get("id")
    return str(annotation.get("updated_at") or annotation.get("created_at") or ""), number if isinstance(
        number, int
    ) else 0
