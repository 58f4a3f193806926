"""Data and parsers whose answers are known. At the top of a module, so that worker processes find them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.datasets import Sample
from ihp_backend.evaluation import NearestClick
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parse
from ihp_backend.parsing.last_answer import LastAnswer

LABELS = LabelSet(("background", "head", "body", "legs", "never"))


class Columns:
    """People of three stacked parts; the photograph's first channel is the truth."""

    labels = LABELS

    def __init__(self, count: int = 4) -> None:
        self.ids = [f"person {number}" for number in range(count)]

    def __len__(self) -> int:
        return len(self.ids)

    def parsing(self, index: int) -> NDArray[np.uint8]:
        parsing = np.zeros((90 + 10 * index, 60), np.uint8)
        for label in (1, 2, 3):
            parsing[20 * label : 20 * label + 20, 15:45] = label
        parsing[:3] = 255
        return parsing

    def __getitem__(self, index: int) -> Sample:
        parsing = self.parsing(index)
        image = np.stack([parsing, parsing, parsing], -1)
        return Sample(image, parsing, self.ids[index])


class StandIn:
    """Opens a photograph by keeping it."""

    version = "stand-in"

    def __init__(self, labels: LabelSet = LABELS) -> None:
        self.labels = labels

    def open(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return image

    def parse(
        self,
        scene: NDArray[np.uint8],
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        return Parse(self.label_map(scene, clicks), np.ones(len(self.labels), np.float32))

    def label_map(self, scene: NDArray[np.uint8], clicks: Sequence[Click]) -> NDArray[np.uint8]:
        raise NotImplementedError


class Perfect(StandIn):
    """Reads the truth off the photograph."""

    def label_map(self, scene: NDArray[np.uint8], clicks: Sequence[Click]) -> NDArray[np.uint8]:
        return np.where(scene[..., 0] == 255, 0, scene[..., 0]).astype(np.uint8)


class Obstinate(StandIn):
    """Sees background everywhere, whatever is clicked."""

    def label_map(self, scene: NDArray[np.uint8], clicks: Sequence[Click]) -> NDArray[np.uint8]:
        return np.zeros(scene.shape[:2], np.uint8)


class Believing(Perfect):
    """Perfect, but where a click says something else, in a square of 9 pixels."""

    def label_map(self, scene: NDArray[np.uint8], clicks: Sequence[Click]) -> NDArray[np.uint8]:
        label_map = super().label_map(scene, clicks)
        # One error in the middle of the legs that a single click repairs.
        label_map[68:73, 28:33] = 2
        for click in clicks:
            label_map[max(click.y - 4, 0) : click.y + 5, max(click.x - 4, 0) : click.x + 5] = click.label
        return label_map


class Remembering(NearestClick):
    """Keeps every question and answer."""

    def __init__(self, labels: LabelSet = LABELS) -> None:
        super().__init__(labels)
        self.answers: list[tuple[list[Click], NDArray[np.uint8], LastAnswer | None]] = []

    def parse(
        self,
        scene: NDArray[np.uint8],
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        parse = super().parse(scene, clicks, previous)
        self.answers.append((list(clicks), parse.label_map, last))
        return parse
