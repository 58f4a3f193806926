"""The planes of ``networks.live.planes`` without torch: what the decoder of a live network sees of each label.

They are made for all labels at once, since a click's share is set against the clicks of all; the decoder then takes
one label after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.live_engine import Question

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LabelPlanes:
    """How planes are made at one stride; the numbers come with the network.

    Attributes:
        stride: working pixels per cell along each axis.
        kernels: sharpness, precision (1 / reach^2 in cells) and the planes made of each click kernel.
        constants: whether two constants follow: known or not, clicked or not.
        faint: a sum of kernels below this counts as none.
    """

    stride: int
    kernels: tuple[tuple[float, float, tuple[str, ...]], ...]
    constants: bool
    faint: float

    @classmethod
    def from_json(cls, text: str) -> LabelPlanes:
        """As ``training.export`` wrote it.

        Raises:
            KeyError, TypeError, ValueError: it did not.
        """
        described: dict[str, Any] = json.loads(text)
        kernels = tuple(
            (float(kernel["sharpness"]), float(kernel["precision"]), tuple(kernel["planes"]))
            for kernel in described["kernels"]
        )
        return cls(int(described["stride"]), kernels, bool(described["constants"]), float(described["faint"]))

    def make(self, embedding: Floats, prior: Floats, clicked_embedding: Floats, question: Question) -> Floats:
        """float32 (A, planes, h, w).

        Args:
            embedding: float32 (1, D, h, w), unit length, at this stride.
            prior: float32 (1, known labels, h, w), probabilities at this stride.
            clicked_embedding: float32 (n, D), the embedding at the clicks.
            question: clicks and labels.
        """
        height, width = embedding.shape[2:]
        labels, cells = len(question.known), height * width
        count = sum(len(planes) for *_, planes in self.kernels) + 2 + 2 * self.constants
        made = np.empty((labels, count, cells), np.float32)
        alike = clicked_embedding @ embedding.reshape(-1, cells) - 1
        down, across = self._distances(question.places, height, width)
        own, against = np.ascontiguousarray(question.own.T), np.ascontiguousarray(question.against.T)
        place = 0
        for sharpness, precision, planes in self.kernels:
            near = np.exp(-0.5 * precision * down)[:, :, None] * np.exp(-0.5 * precision * across)[:, None, :]
            near = near.reshape(-1, cells)
            near *= np.exp(np.float32(sharpness) * alike)
            strength = own @ near
            for plane in planes:
                if plane == "share":
                    np.divide(strength, strength.sum(0) + np.float32(self.faint), out=made[:, place])
                else:
                    self._visible(strength if plane == "strength" else against @ near, made[:, place])
                place += 1
        np.matmul(question.known, prior.reshape(-1, cells), out=made[:, place])
        made[:, place + 1] = _pooled(question.previous, height, width)
        if self.constants:
            made[:, place + 2] = question.known.max(1)[:, None]
            made[:, place + 3] = question.own.max(0)[:, None]
        return made.reshape(labels, count, height, width)

    def _distances(self, places: NDArray[np.int64], height: int, width: int) -> tuple[Floats, Floats]:
        """Squared distances in cells, (n, h) along y and (n, w) along x."""
        middles: Floats = (places.astype(np.float32) + np.float32(0.5)) / np.float32(self.stride) - np.float32(0.5)
        down: Floats = np.arange(height, dtype=np.float32) - middles[:, :1]
        across: Floats = np.arange(width, dtype=np.float32) - middles[:, 1:]
        return down**2, across**2

    def _visible(self, strength: Floats, out: Floats) -> None:
        """The fourth root of a sum of kernels; 0 for none."""
        np.sqrt(strength + np.float32(self.faint**2), out=out)
        np.sqrt(out, out=out)
        out -= np.float32(self.faint**0.5)


def embedding_at(embedding: Floats, places: NDArray[np.int64], stride: int) -> Floats:
    """The embedding (1, D, h, w) of the cells in which places (n, 2) lie, float32 (n, D)."""
    return np.ascontiguousarray(embedding[0, :, places[:, 0] // stride, places[:, 1] // stride])


def _pooled(planes: Floats, height: int, width: int) -> Floats:
    """The means of (A, h, w) over equal square blocks, float32 (A, height width)."""
    side = planes.shape[1] // height
    pooled = np.zeros((len(planes), height, width), np.float32)
    for y in range(side):
        for x in range(side):
            pooled += planes[:, y::side, x::side]
    return pooled.reshape(len(planes), -1) / np.float32(side**2)
