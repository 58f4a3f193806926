"""Regions: a label map as the results that Label Studio shows and stores."""

from __future__ import annotations

import hashlib
import logging
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.config_tags import MaskTarget
from ihp_backend.label_studio.config.tag_table import tag_of
from ihp_backend.label_studio.masks.mask_forms import MASK_FORMS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Place of regions: project, task, page, and the size and rotation of the image.

    Attributes:
        project, task: Label Studio's ids, as text.
        original_size: (height, width) that the regions must have, None: that of the label map.
        image_rotation: degrees the annotator turned the image; regions are in the unturned frame.
        page: of an image tag with several photographs, None where it has one.
    """

    project: str
    task: str
    original_size: tuple[int, int] | None = None
    image_rotation: int | float = 0
    page: int | None = None


def region_id(label: str, place: Place, to_name: str) -> str:
    """The id of a label's region on a task's image: always the same, so that a new answer replaces the old region.

    Examples:
        >>> region_id("Left arm", Place(project="4", task="8"), "image")
        'left-arm-936d8de336'
    """
    ascii_label = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_label).strip("-")[:40] or "label"
    named = "\0".join((place.project, place.task, to_name, label, *([str(place.page)] if place.page else [])))
    return f"{slug}-{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def regions(
    label_map: NDArray[np.uint8],
    targets: Mapping[int, MaskTarget],
    scores: Mapping[int, float],
    place: Place,
    ids: Mapping[int, str] | None = None,
) -> list[dict[str, Any]]:
    """One region per label that has pixels, or a polygon for each of its pieces, in the order of ``targets``.

    Args:
        label_map: uint8 (height, width), an id per pixel; ids that are not in ``targets`` are left out.
        targets: id -> how its mask is returned.
        scores: id -> confidence 0..1.
        place: the task, and the size Label Studio expects.
        ids: id -> that of the region which the label's mask replaces, where it is not ``region_id``.

    Returns:
        JSON-ready results; for a ``<Brush>`` or ``<Bitmask>`` with ``<Labels>`` two of one id, the mask and its label.
    """
    sized = _in_original_size(label_map, place)
    height, width = sized.shape
    counts = cv2.calcHist([sized], [0], None, [256], [0, 256]).ravel()  # A fifth of numpy.bincount's time.
    present = [label for label in targets if counts[label]]
    values = _values(sized, {label: targets[label] for label in present})
    results: list[dict[str, Any]] = []
    for label in present:
        target = targets[label]
        common = {
            "id": (ids or {}).get(label) or region_id(target.label, place, target.to_name),
            "to_name": target.to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": place.image_rotation,
            **({} if place.page is None else {"item_index": place.page}),
            "origin": "prediction",
            "score": round(float(scores.get(label, 0.0)), 4),
        }
        for number, value in enumerate(values[label]):
            # The largest piece keeps the label's id, so that a new answer replaces it.
            piece = {**common, "id": f"{common['id']}-{number}"} if number else common
            results += _masked(piece, target, value)
    return results


def _values(label_map: NDArray[np.uint8], targets: Mapping[int, MaskTarget]) -> dict[int, Sequence[dict[str, Any]]]:
    """The values of each label's regions; the labels of one form are written together."""
    labels_of_form: dict[str | None, list[int]] = {}
    for label, target in targets.items():
        labels_of_form.setdefault(tag_of(target.type).mask_form, []).append(label)
    values: dict[int, Sequence[dict[str, Any]]] = {}
    for form, labels in labels_of_form.items():
        write = MASK_FORMS[form].write if form else None
        if write is None:
            raise ValueError(f"targets: type {targets[labels[0]].type!r} takes no masks; give one that does")
        values |= write(label_map, labels)
    return values


def _masked(common: Mapping[str, Any], target: MaskTarget, mask: dict[str, Any]) -> list[dict[str, Any]]:
    if target.labels_from_name is None:
        value = {**mask, target.type: [target.returned]}
        return [{**common, "from_name": target.from_name, "type": target.type, "value": value}]
    # Label Studio itself repeats the mask beside the label when it saves such a region.
    label = {**mask, "labels": [target.returned]}
    return [
        {**common, "from_name": target.from_name, "type": target.type, "value": mask},
        {**common, "from_name": target.labels_from_name, "type": "labels", "value": label},
    ]


def _in_original_size(label_map: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
    """The label map in the size that the browser saw: the page shows a mask of another size scrambled."""
    if place.original_size is None or place.original_size == label_map.shape:
        return label_map
    height, width = place.original_size
    logger.warning(
        "task %.40r: the photograph has %dx%d pixels, the page %dx%d; masks are resized",
        place.task, label_map.shape[1], label_map.shape[0], width, height,
    )  # fmt: skip
    return np.asarray(cv2.resize(label_map, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def mean_score(results: Sequence[Mapping[str, Any]]) -> float:
    """The mean score of regions, 0 where there are none."""
    return round(sum(result["score"] for result in results) / len(results), 4) if results else 0.0
