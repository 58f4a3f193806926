"""A simulated annotator at work in the real Label Studio: clicks as the editor sends them, accepts, submits.

It clicks as the interaction protocol does, the initial clicks label by label and then one correction after the other,
until the parsing is good enough or clicking takes too long. What is still wrong anywhere by more than an outline's
breadth it paints over, and submits the rest as it is: so accepted masks have the small mistakes that people let pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.demo.client import LabelStudioUser
from examples.demo.proof import decode, keypoint, masks
from ihp_backend.clicks import Click
from ihp_backend.datasets import Sample
from ihp_backend.evaluation import Annotator, confusion_matrix, mean_iou
from ihp_backend.label_studio.api.client import Record
from ihp_backend.label_studio.masks import brush_rle
from ihp_backend.labels import LabelSet

LONGEST, GOOD_ENOUGH = 8, 85.0
"""Corrections, and own mIoU of a photograph in percent: then the brush is quicker."""

BREADTH = 3
"""Side in pixels of the squares that must fit into what is wrong for it to be painted over."""

ANNOTATOR = Annotator(corrections=LONGEST, last_answer=False)


@dataclass(frozen=True)
class Accepted:
    """How a photograph was annotated.

    Attributes:
        clicks: that were made.
        painted: share of the pixels that were painted over.
        mean_iou: own mIoU (%) of what was submitted.
    """

    clicks: int
    painted: float
    mean_iou: float


def annotate(
    client: LabelStudioUser, backend: int, task: int, sample: Sample, labels: LabelSet, seed: int, index: int
) -> Accepted:
    """Annotates one task through Label Studio's API.

    Args:
        client, backend, task: where.
        sample: the task's photograph with its true parsing, in ``labels``.
        labels: of the labelling config, under the same names.
        seed, index: the clicks depend on them and on the answers alone.
    """
    rng, hand = np.random.default_rng([seed, index]), np.random.default_rng([seed, index, 1])
    true = sample.parsing
    current: dict[int, list[Click]] = defaultdict(list)

    def click(new: Sequence[Click]) -> list[Record]:
        """What the editor sends when a label was clicked: all clicks of that label that stand."""
        (label,) = {one.label for one in new}
        current[label] += new
        sent = [clicked(one, labels, true.shape, number) for number, one in enumerate(current[label])]
        return list(client.predict_interactively(backend, task, sent)["result"])

    by_label: dict[int, list[Click]] = defaultdict(list)
    for one in ANNOTATOR.initial_clicks(true, rng, hand):
        by_label[one.label].append(one)
    regions: list[Record] = []
    for together in by_label.values():
        regions = click(together)
    for corrections in range(LONGEST + 1):
        label_map = _label_map(regions, labels, true.shape)
        reached = mean_iou(confusion_matrix(true, label_map, len(labels)))
        made = [one for several in current.values() for one in several]
        if reached >= GOOD_ENOUGH or corrections == LONGEST:
            break
        correction = ANNOTATOR.correction(true, label_map, rng, hand, made)
        if correction is None:
            break
        regions = click([correction])
    final = painted_over(label_map, true)
    submit(client, task, final, labels)
    reached = mean_iou(confusion_matrix(true, final, len(labels)))
    return Accepted(len(made), float((final != label_map).mean()), reached)


def painted_over(label_map: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A label map (height, width) with what is wrong by more than an outline's breadth put right."""
    wrong = (label_map != true).astype(np.uint8)
    broad = cv2.morphologyEx(wrong, cv2.MORPH_OPEN, np.ones((BREADTH, BREADTH), np.uint8))
    return np.where(broad > 0, true, label_map)


def submit(client: LabelStudioUser, task: int, label_map: NDArray[np.uint8], labels: LabelSet) -> None:
    """Submits a region for every part of a label map; nobody draws the background."""
    client.annotate(task, drawn_by_hand(label_map, labels))


def drawn_by_hand(label_map: NDArray[np.uint8], labels: LabelSet) -> list[Record]:
    """The regions of a label map's parts, as the editor would send them."""
    height, width = label_map.shape
    return [
        {
            "id": f"part-{label}", "type": "brushlabels", "from_name": "part", "to_name": "image",
            "original_width": width, "original_height": height, "image_rotation": 0, "origin": "manual",
            "value": {
                "format": "rle", "rle": brush_rle.encode(label_map == label), "brushlabels": [labels.names[label]],
            },
        }
        for label in range(1, len(labels))
        if (label_map == label).any()
    ]  # fmt: skip


def clicked(click: Click, labels: LabelSet, shape: tuple[int, int], number: int) -> Record:
    """A click in pixels as the editor sends it."""
    height, width = shape
    x, y = 100 * (click.x + 0.5) / width, 100 * (click.y + 0.5) / height
    return keypoint(labels.names[click.label], x, y, width, height, f"click-{click.label}-{number}", click.positive)


def _label_map(regions: list[Record], labels: LabelSet, shape: tuple[int, int]) -> NDArray[np.uint8]:
    found = np.zeros(shape, np.uint8)
    for name, region in masks(regions).items():
        found[decode(region)] = labels.id_of(name)
    return found
