"""Tasks of a Label Studio project exported as JSON, as far as masks are concerned.

What counts of a task is the newest annotation that was not cancelled and holds brush regions. Clicks and boxes are
prompts and left aside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ihp_backend.datasets import SampleError
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_records import MASK_TYPES, mask_records

_OTHER_MASKS = ("polygon", "polygonlabels", "ellipse", "ellipselabels", "bitmask", "bitmasklabels")


@dataclass(frozen=True)
class BrushRegion:
    """A region's mask, still encoded.

    Attributes:
        name: the region in words, for errors.
        label: what the annotation calls its label.
        to_name: the image tag it is on.
        rle: the bytes of its stream.
        height, width: of the photograph, in pixels.
    """

    name: str
    label: str
    to_name: str
    rle: bytes
    height: int
    width: int


@dataclass(frozen=True)
class ExportedTask:
    """A task with masks: its id, its data and its regions in the order in which they were made."""

    id: str
    data: Mapping[str, Any]
    regions: tuple[BrushRegion, ...]


def read_export(file: Path, tasks: Sequence[Any]) -> tuple[list[ExportedTask], dict[str, str]]:
    """The tasks of an export that have masks, and why the others are left out (task id -> reason).

    Args:
        file: where they come from, for errors.
        tasks: as exported, see ``read_tasks``.

    Raises:
        ValueError: they are no tasks, or one stands there twice.
        SampleError: a region whose mask or label cannot be read.
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
        regions = tuple(_regions(annotation, f"{file}: task {task_id}"))
        kept.append(ExportedTask(task_id, data if isinstance(data, dict) else {}, regions))
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
        types = [record.get("type") for annotation in standing for record in objects(annotation.get("result"))]
        other = {kind for kind in _OTHER_MASKS if kind in types}
        return None, f"no brush regions, only {', '.join(sorted(other))}" if other else "no brush regions"
    return max(with_masks, key=_age), ""


def _age(annotation: Mapping[str, Any]) -> tuple[str, int]:
    """Sorts by time; Label Studio writes all times in the same form."""
    number = annotation.get("id")
    return str(annotation.get("updated_at") or annotation.get("created_at") or ""), number if isinstance(
        number, int
    ) else 0


def _regions(annotation: Mapping[str, Any], place: str) -> Iterator[BrushRegion]:
    records = objects(annotation.get("result"))
    for record in records:
        if (kind := record.get("type")) in _OTHER_MASKS:
            name = f"{place}, region {record.get('id')}"
            raise SampleError(name, f"a region of type {kind}", "only brush regions are read: draw it with the brush")
    for brush, named in mask_records(records):
        name = f"{place}, region {brush.get('id')}"
        if not isinstance(named, list) or len(named) != 1:
            raise SampleError(name, f"labels {named}", "give it exactly one label in Label Studio and export again")
        height, width = brush.get("original_height"), brush.get("original_width")
        if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < 1:
            raise SampleError(name, f"original size {width} x {height}", "export the project again")
        try:
            rle = bytes(as_object(brush.get("value"))["rle"])
        except (KeyError, TypeError, ValueError) as error:
            raise SampleError(
                name, f"no brush RLE ({error!r})", "open and submit the task again, then export"
            ) from None
        yield BrushRegion(name, str(named[0]), str(brush.get("to_name")), rle, height, width)
