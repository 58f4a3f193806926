"""Of each task of an export the image that is read, and where its photograph is, by the labelling config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.export_tasks import ExportedTask
from ihp_backend.label_studio.problems import RequestError


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
