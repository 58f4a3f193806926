"""AcceptedWork: an accepted annotation as a label map, with what is known of how it came about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.config_tags import ImageTag
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.config.pages import addresses
from ihp_backend.label_studio.loose_json import as_object, objects
from ihp_backend.label_studio.masks.mask_records import mask_records, record_mask
from ihp_backend.label_studio.problems import RequestError
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.retraining import Annotation

EDITED, SUGGESTED = "prediction-changed", "prediction"


class AcceptedError(ValueError):
    """An annotation from which nothing can be learned; the text names the region, what is wrong and the remedy."""


@dataclass(frozen=True)
class AcceptedWork:
    """What one annotator accepted on one photograph.

    Attributes:
        annotation: its id.
        task: its task's id.
        address: of the photograph, as the task has it.
        label_map: uint8 (height, width) in ids of the label set that was given, 255 where nothing is drawn.
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
    seconds: float | None
    clicks: int | None
    model_version: str | None
    untouched: float
    left_out: tuple[str, ...]


def read_accepted(
    annotation: Annotation, config: LabellingConfig, image: ImageTag, labels: LabelSet
) -> AcceptedWork | None:
    """Paints the regions of an annotation in the order in which they were made.

    Args:
        annotation: from the ledger.
        config: the project's labelling config as it is now for this task; labels that it has no more are left out.
        image: which of its images.
        labels: of the label map.

    Returns:
        The work, or None where nothing is drawn on that image: only clicks were submitted, say.

    Raises:
        AcceptedError: a region that cannot be read, regions of different sizes, none with a label that the config has,
            or no photograph.
    """
    content = as_object(json.loads(annotation.content))
    records = [record for record in objects(content.get("result")) if record.get("to_name", image.name) == image.name]
    label_map: NDArray[np.uint8] | None = None
    suggested = 0
    left_out: list[str] = []
    for record, names in mask_records(records, shapes=True):
        name = f"annotation {annotation.id}, region {str(record.get('id'))[:40]}"
        label = config.label_of(names[0]) if isinstance(names, list) and len(names) == 1 else None
        if label is None:
            left_out.append(f"{name}: labels {names!r} do not name one label of the config")
            continue
        try:
            mask = record_mask(record)
        except ValueError as error:
            raise AcceptedError(f"{name}: {error}; open and submit task {annotation.task} again") from None
        if label_map is None:
            label_map = np.full(mask.shape, IGNORE, np.uint8)
        if mask.shape != label_map.shape:
            raise AcceptedError(
                f"{name}: {mask.shape[1]} x {mask.shape[0]} pixels, others have {label_map.shape[1]} x "
                f"{label_map.shape[0]}; draw all regions of task {annotation.task} on one and the same photograph"
            )
        label_map[mask] = labels.id_of(label)
        suggested += int(mask.sum()) if record.get("origin") == SUGGESTED else 0
    if label_map is None:
        if left_out:
            raise AcceptedError("; ".join(left_out))
        return None
    drawn = int((label_map != IGNORE).sum())
    seconds = content.get("seconds")
    return AcceptedWork(
        annotation=annotation.id,
        task=annotation.task,
        address=_address(content.get("data"), image, annotation.task),
        label_map=label_map,
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        clicks=content.get("clicks"),
        model_version=content.get("model_version"),
        untouched=min(suggested / drawn, 1.0) if drawn else 0.0,
        left_out=tuple(left_out),
    )


def agreed(works: Sequence[AcceptedWork]) -> NDArray[np.uint8]:
    """What all annotators of a photograph drew alike, uint8 (height, width), 255 where they differ.

    Raises:
        AcceptedError: their label maps differ in size.
    """
    first, *others = [work.label_map for work in works]
    common = first.copy()
    for work, other in zip(works[1:], others, strict=True):
        if other.shape != first.shape:
            raise AcceptedError(
                f"annotation {work.annotation}: {other.shape[1]} x {other.shape[0]} pixels, annotation "
                f"{works[0].annotation} has {first.shape[1]} x {first.shape[0]}; task {work.task} has two photographs"
            )
        common[common != other] = IGNORE
    return common


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
