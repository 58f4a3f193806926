"""The proof: one click through everything, from Label Studio's API to the backend's model and back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from examples.demo.client import LabelStudioUser
from examples.demo.project import uploaded_name
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.masks.mask_regions import mask_regions

UPLOAD = "ihp-demo-proof.jpg"
"""The proof's photograph has this name in Label Studio, so that one left by an interruption can be found."""


class ProofError(RuntimeError):
    """The click was answered, but not with the mask it should have been."""


@dataclass(frozen=True)
class Proof:
    """The proof of a click: what came back for it."""

    label: str
    pixels: int
    width: int
    height: int
    seconds: float


def keypoint(
    label: str, x: float, y: float, width: int, height: int, identifier: str = "click-1", positive: bool = True
) -> Record:
    """A click as Label Studio's editor sends it; x and y in percent of the image, width and height in pixels."""
    return {
        "id": identifier,
        "type": "keypointlabels",
        "from_name": "click",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "origin": "manual",
        "is_positive": positive,
        "value": {"x": x, "y": y, "width": 0.3, "labels": [label], "keypointlabels": [label]},
    }


def masks(result: list[Record]) -> dict[str, Record]:
    """The brush regions of a result by their label."""
    return {region["value"]["brushlabels"][0]: region for region in result if region["type"] == "brushlabels"}


def decode(region: Record) -> Any:
    """The region's mask, bool (original_height, original_width); a ValueError if it has none."""
    (found,) = mask_regions([region])
    return found.mask()


def click_once(
    client: LabelStudioUser, project: int, backend: int, photograph: Path, label: str, x: float, y: float
) -> Proof:
    """Upload a photograph, click on it, look at the mask, and remove the photograph again.

    A photograph of its own, because the backend remembers clicks: on one of the project's photographs the proof's
    click would come back when somebody opens it to work.
    """
    remove_traces(client, project)
    upload = client.upload(project, UPLOAD, photograph.read_bytes())
    try:
        task = next(task for task in client.tasks(project) if uploaded_name(task) == UPLOAD)
        with Image.open(photograph) as image:
            width, height = image.size
        began = time.perf_counter()
        answer = client.predict_interactively(backend, task["id"], [keypoint(label, x, y, width, height)])
        seconds = time.perf_counter() - began
        return Proof(label, _pixels(answer["result"], label, width, height), width, height, seconds)
    finally:
        remove_traces(client, project, upload.get("file_upload_ids", ()))


def remove_traces(client: LabelStudioUser, project: int, uploads: Any = ()) -> None:
    """Remove the proof's task, also one that an interrupted proof left behind."""
    # All of them first: a list read page by page while it changes leaves tasks out.
    for task in list(client.tasks(project)):
        if uploaded_name(task) == UPLOAD:
            client.delete_task(task, uploads)


def _pixels(result: list[Record], label: str, width: int, height: int) -> int:
    """The number of pixels of the label's mask; ``ProofError`` when there is none or it has another size."""
    region = masks(result).get(label)
    if region is None:
        raise ProofError(f"a click with label {label!r} was answered with masks for {sorted(masks(result))}")
    size = (region["original_width"], region["original_height"])
    if size != (width, height):
        raise ProofError(f"the mask of {label!r} is {size[0]}x{size[1]}, the photograph is {width}x{height}")
    try:
        return int(decode(region).sum())
    except ValueError as error:
        raise ProofError(f"the mask of {label!r}: {error}") from None
