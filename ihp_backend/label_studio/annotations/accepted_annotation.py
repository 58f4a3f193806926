"""AcceptedAnnotation: an accepted annotation as a label map, with what is known of how it came about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.masks.painting import paint
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.labels import IGNORE, LabelSet


class AcceptedError(ValueError):
    """An annotation from which nothing can be learned; the text names the region, what is wrong and the remedy."""


@dataclass(frozen=True)
class AcceptedAnnotation:
    """Annotation that one annotator accepted on one photograph, as a label map.

    Attributes:
        annotation: its id.
        task: its task's id.
        address: of the photograph, as the task has it.
        label_map: uint8 (height, width) in ids of the label set that was given, 255 where nothing is drawn.
        unknown: bool (height, width), undrawn pixels of which it cannot be said that they belong to no label.
        seconds: that it took, None if Label Studio does not say.
        clicks: prompts that stood when it was submitted, None if that was not seen.
        model_version: of the suggestion that it began with, None if there was none.
        untouched: share of the drawn pixels that are as they were suggested.
        left_out: regions that could not be used, and why.
    """

    annotation: int
    task: int
    address: str
    label_map: NDArray[np.uint8]
    unknown: NDArray[np.bool_]
    seconds: float | None
    clicks: int | None
    model_version: str | None
    untouched: float
    left_out: tuple[str, ...]


def read_accepted(
    annotation: Annotation, config: LabellingConfig, image: ImageTag, labels: LabelSet
) -> AcceptedAnnotation | None:
    """Paints the regions of an annotation in the order in which they were made.

    Args:
        annotation: from the annotation store.
        config: the project's labelling config as it is now for this task; labels that it has no more are left out.
        image: which of its images.
        labels: of the label map.

    Returns:
        The work, or None where nothing is drawn on that image: only clicks were submitted, say.

    Raises:
        AcceptedError: there are regions, but none that can be used; or no photograph.
    """
    content = as_object(json.loads(annotation.content))
    regions = list(mask_regions(objects(content.get("result"))))
    here = [region for region in regions if region.to_name in (None, image.name)]
    painting = paint(here, lambda name: config.id_of(name, labels))
    left_out = tuple(f"annotation {annotation.id}, {region}" for region in painting.left_out)
    if len(here) < len(regions):
        images = ", ".join(sorted({str(region.to_name) for region in regions} - {"None", image.name}))
        left_out += (f"annotation {annotation.id}, regions on {images}: only those on {image.name} are learned from",)
    if painting.label_map is None or painting.unknown is None:
        if left_out:
            raise AcceptedError(f"nothing is drawn that can be used: {'; '.join(left_out)}")
        return None
    drawn = int((painting.label_map != IGNORE).sum())
    seconds = content.get("seconds")
    return AcceptedAnnotation(
        annotation=annotation.id,
        task=annotation.task,
        address=_address(content.get("data"), image, annotation.task),
        label_map=painting.label_map,
        unknown=painting.unknown,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        clicks=content.get("clicks"),
        model_version=content.get("model_version"),
        untouched=min(painting.suggested / drawn, 1.0),
        left_out=left_out,
    )


def agreed(works: Sequence[AcceptedAnnotation]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Label map of the pixels that all annotators of a photograph drew alike.

    Returns:
        uint8 (height, width), 255 where they differ or nobody drew; and bool (height, width), what is unknown: pixels
        in which they differ, and those that are unknown of one of them.

    Raises:
        AcceptedError: their label maps differ in size.
    """
    first, *others = [work.label_map for work in works]
    common, unknown = first.copy(), works[0].unknown.copy()
    for work, other in zip(works[1:], others, strict=True):
        if other.shape != first.shape:
            raise AcceptedError(
                f"annotation {work.annotation}: {other.shape[1]} x {other.shape[0]} pixels, annotation "
                f"{works[0].annotation} has {first.shape[1]} x {first.shape[0]}; task {work.task} has two photographs"
            )
        unknown |= work.unknown | (first != other)
        common[unknown] = IGNORE
    return common, unknown


def _address(data: Any, image: ImageTag, task: int) -> str:
    if image.several:
        raise AcceptedError(
            f"task {task}: several photographs under {image.data_key!r}; only single ones are learned from"
        )
    try:
        return addresses({"data": data}, image)[0]
    except RequestError as error:
        where = error.problem.field.removeprefix("data.")
        raise AcceptedError(
            f"task {task}: its data have no photograph under {where!r} ({error.problem.value}); see ihp sync"
        ) from None
