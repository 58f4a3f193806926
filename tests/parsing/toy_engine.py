"""ToyEngine: a live network in which cells have the label of the click whose colour is nearest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import ABSENT_LOGIT, LabelSet
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, LiveEngine
from ihp_backend.parsing.parser import Parser

LABELS = LabelSet(("background", "hair", "coat", "bag"))

HAIR, COAT, BAG = (200, 60, 30), (40, 90, 220), (30, 210, 80)


class ToyEngine(LiveEngine):
    """Compares colours; what has none, such as the grey of padding, is background by itself.

    Attributes:
        encoded: sizes of the working images that were encoded.
    """

    def __init__(self) -> None:
        self.encoded: list[tuple[int, ...]] = []

    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        """Mean colours of cells."""
        self.encoded.append(image.shape[:2])
        height, width = (side // 4 for side in image.shape[:2])
        colours = image.reshape(height, 4, width, 4, 3).mean((1, 3)).astype(np.float32)
        person = np.ptp(colours, 2) > 30
        shares = np.zeros((height, width, 16, 9), np.float32)
        shares[..., 4] = 1
        strongest = np.zeros(len(LABELS), np.float32)
        return Encoded(place(colours), place(shares), strongest, 1 - person.astype(np.float32), person.view(np.uint8))

    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Colours of cells."""
        return np.asarray(features[places[:, 0] // 4, places[:, 1] // 4])

    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        """Minus the distance to the nearest of the colours clicked."""
        looks = self.looks(features, inputs.places) if inputs.looks is None else inputs.looks
        logits = np.full((len(inputs.known), *features.shape[:2]), ABSENT_LOGIT, np.float32)
        logits[0] = -np.ptp(features, 2) / 10
        for label in range(1, len(logits)):
            for look in looks[inputs.own[:, label] > 0]:
                logits[label] = np.maximum(logits[label], -np.abs(features - look).sum(2) / 10)
        return logits


def toy_checkpoint() -> Checkpoint:
    """A model folder's description without a folder."""
    return Checkpoint(Path(), "toy", "toy-1", LABELS, {}, 512, 16, {}, None)


def toy_parser() -> tuple[Parser, ToyEngine]:
    """A parser and its engine."""
    engine = ToyEngine()
    return Parser(toy_checkpoint(), engine, LABELS), engine


def person(image: NDArray[np.uint8], truth: NDArray[np.uint8], top: int, left: int, height: int) -> None:
    """Draws somebody: hair above a coat, half as wide as high."""
    half, width = height // 4, height // 2
    for colour, label, first, last in ((HAIR, 1, 0, half), (COAT, 2, half, height)):
        image[top + first : top + last, left : left + width] = colour
        truth[top + first : top + last, left : left + width] = label
