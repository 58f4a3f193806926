"""Tasks of a Label Studio project exported as JSON, with their masks.

The newest annotation of a task counts that was not cancelled and in which something is drawn. Clicks and boxes are
prompts and left aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_regions import MASK_TYPES, MaskRegion, mask_regions
from ihp_backend.label_studio.problems import RequestError


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


def image_tags(
    tasks: Sequence[ExportedTask], config: LabellingConfig, name: str | None, left_out: dict[str, str]
) -> dict[str, ImageTag]:
    """The image tag of each task, by its id.

    Args:
        tasks: of an export.
        config: of the project.
        name: of the tag, where tasks have several.
        left_out: is told why tasks have none.

    Raises:
        ValueError: the name is none of an image tag, or one is needed and not given.
    """
    if not config.from_task:
        return dict.fromkeys((task.id for task in tasks), _image_tag(config.images, name))
    tags: dict[str, ImageTag] = {}
    known: dict[ImageTag, None] = {}
    for task in tasks:
        try:
            own = config.of_task(task.data)
        except RequestError as error:
            left_out[task.id] = str(error)
            continue
        images = own.images
        known |= dict.fromkeys(images)
        if name is not None and name not in [tag.name for tag in images]:
            left_out[task.id] = f"no image {name}"
        elif own.problems and any(own.label_of(region.label or "") is None for region in task.regions):
            left_out[task.id] = str(RequestError(own.problems[0]))
        elif images:
            tags[task.id] = _image_tag(images, name)
        else:
            left_out[task.id] = "no image"
    if name is not None and known:
        _image_tag(tuple(known), name)
    return tags


def _image_tag(images: Sequence[ImageTag], name: str | None) -> ImageTag:
    fitting = [tag for tag in images if name in (None, tag.name)]
    if len(fitting) != 1 or not fitting[0].from_task:
        known = ", ".join(tag.name for tag in images) or "none"
        raise ValueError(f"image: {name!r} does not name one image tag of the config; it has {known}")
    return fitting[0]


def of_image(task: ExportedTask, to_name: str, config: LabellingConfig) -> ExportedTask:
    """A task with its regions on an image, their labels by the names that the task has for them."""
    of_task = config.of_task(task.data)
    regions = [region for region in task.regions if region.to_name in (None, to_name)]
    if config.from_task:
        named = [(region, of_task.label_of(region.label or "")) for region in regions]
        regions = [region if label is None else replace(region, labels=[label]) for region, label in named]
    return replace(task, regions=tuple(regions))


def address_of(task: ExportedTask, tag: ImageTag) -> tuple[str, str | None]:
    """The name of a task in errors, and where its photograph is, None where it names no single one."""
    try:
        pages = addresses({"data": task.data}, tag)
    except RequestError as error:
        return f"{task.id} ({error.problem.field}: {error.problem.value})", None
    return (task.id, pages[0]) if len(pages) == 1 else (f"{task.id} ({tag.field}: {len(pages)} photographs)", None)


def several_annotations(listed: Sequence[Any]) -> dict[str, str]:
    """Assumption about tasks with several annotations, by the option that says otherwise."""
    several = sum(len(_annotations(task)) > 1 for task in listed)
    tasks = "1 task has" if several == 1 else f"{several} tasks have"
    told = f"{tasks} several annotations, of which the newest counts; annotator=ID takes those of one user"
    return {"annotator": told} if several else {}


def _annotations(task: Any) -> list[Mapping[str, Any]]:
    """A task's annotations that were not cancelled."""
    return [made for made in objects(as_object(task).get("annotations")) if not made.get("was_cancelled")]


def only_by(listed: Sequence[Any], annotator: int) -> list[Any]:
    """Tasks with the annotations of one user alone."""
    return [
        {**task, "annotations": [made for made in objects(task["annotations"]) if _user(made) == annotator]}
        if isinstance(task, dict) and isinstance(task.get("annotations"), list)
        else task
        for task in listed
    ]


def annotated_by_others(listed: Sequence[Any], annotator: int) -> dict[str, str]:
    """The tasks that only others annotated."""
    return {
        str(task.get("id")): f"not annotated by user {annotator}"
        for task in listed
        if _annotations(task) and annotator not in map(_user, _annotations(task))
    }


def _user(annotation: Mapping[str, Any]) -> Any:
    """The id of who made it; some exports hold the whole user."""
    user = annotation.get("completed_by")
    return user.get("id") if isinstance(user, Mapping) else user
