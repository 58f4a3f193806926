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

from ihp_backend.label_studio.config.config_tags import BITMASKS, BRUSHES, MaskTarget
from ihp_backend.label_studio.masks.brush_rle import encode_labels
from ihp_backend.label_studio.masks.mask_pictures import mask_data_url
from ihp_backend.label_studio.masks.polygons import polygons

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where regions belong.

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
    """The id of a label's region on a task's image: always the same, so that a new answer replaces the old region."""
    ascii_label = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", ascii_label).strip("-")[:40] or "label"
    named = "\0".join((place.project, place.task, to_name, label, *([str(place.page)] if place.page else [])))
    return f"{slug}-{hashlib.sha256(named.encode('utf-8', 'surrogatepass')).hexdigest()[:10]}"


def regions(
    label_map: NDArray[np.uint8], targets: Mapping[int, MaskTarget], scores: Mapping[int, float], place: Place
) -> list[dict[str, Any]]:
    """One region per label that has pixels, or a polygon for each of its pieces, in the order of ``targets``.

    Args:
        label_map: uint8 (height, width), an id per pixel; ids that are not in ``targets`` are left out.
        targets: id -> how its mask is returned.
        scores: id -> confidence 0..1.
        place: the task, and the size Label Studio expects.

    Returns:
        JSON-ready results; for a ``<Brush>`` or ``<Bitmask>`` with ``<Labels>`` two of one id, the mask and its label.
    """
    sized = _in_original_size(label_map, place)
    height, width = sized.shape
    counts = np.bincount(sized.ravel(), minlength=256)
    present = [label for label in targets if counts[label]]
    brushed = [label for label in present if targets[label].type in BRUSHES]
    # The page would also take a brush's mask as a picture (maskDataURL), but lose it: see docs/editor.md.
    streams = encode_labels(sized, brushed) if brushed else {}
    results: list[dict[str, Any]] = []
    for label in present:
        target = targets[label]
        common = {
            "id": region_id(target.label, place, target.to_name),
            "to_name": target.to_name,
            "original_width": width,
            "original_height": height,
            "image_rotation": place.image_rotation,
            **({} if place.page is None else {"item_index": place.page}),
            "origin": "prediction",
            "score": round(float(scores.get(label, 0.0)), 4),
        }
        if label in streams:
            results += _masked(common, target, {"format": "rle", "rle": streams[label]})
        elif target.type in BITMASKS:
            results += _masked(common, target, {"imageDataURL": mask_data_url(sized == label)})
        else:
            results += _outlined(common, target, sized == label)
    return results


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


def _outlined(common: Mapping[str, Any], target: MaskTarget, mask: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The largest piece keeps the label's id, so that a new answer replaces it."""
    found: list[dict[str, Any]] = []
    for number, points in enumerate(polygons(mask)):
        piece = {"id": f"{common['id']}-{number}"} if number else {}
        value = {"points": points, "closed": True, "polygonlabels": [target.returned]}
        found.append({**common, **piece, "from_name": target.from_name, "type": target.type, "value": value})
    return found


def _in_original_size(label_map: NDArray[np.uint8], place: Place) -> NDArray[np.uint8]:
    """The page shows a mask scrambled unless it has exactly the size that the browser saw."""
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
