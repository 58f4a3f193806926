"""The planes of ``networks.live.planes`` without torch: what the decoder of a live network sees of each label.

The click kernels are summed for all labels at once, since a click's share is set against the clicks of all. The planes
themselves are made for one label at a time, and only where it is decoded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.box import Box
from ihp_backend.parsing.live_engine import Question

Floats = NDArray[np.float32]

FINEST = 4
"""Working pixels per cell of the parsing so far."""

CLICKS_AT_A_TIME = 32
"""Few enough that their kernels stay in a core's cache."""


class KernelSums(NamedTuple):
    """One click kernel, summed.

    Attributes:
        own, against: float32 (A, h, w), over the positive and the negative clicks of each label; None: there are none.
        total: float32 (h, w), over all positive clicks.
    """

    own: Floats
    against: Floats | None
    total: Floats


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

    @property
    def count(self) -> int:
        """Number of planes per label."""
        return sum(len(planes) for *_, planes in self.kernels) + 2 + 2 * self.constants

    def sums(self, embedding: Floats, clicked_embedding: Floats, question: Question) -> list[KernelSums]:
        """The kernels, summed over the clicks.

        Args:
            embedding: float32 (1, D, h, w), unit length, at this stride.
            clicked_embedding: float32 (n, D), the embedding at the clicks.
            question: clicks and labels.
        """
        height, width = embedding.shape[2:]
        flat = embedding.reshape(embedding.shape[1], -1)
        down, across = self._distances(question.places, height, width)
        own, against = np.ascontiguousarray(question.own.T), np.ascontiguousarray(question.against.T)
        opposed = bool(against.any())
        sums = np.zeros((2, len(self.kernels), len(own), height * width), np.float32)
        for start in range(0, len(clicked_embedding), CLICKS_AT_A_TIME):
            clicks = slice(start, start + CLICKS_AT_A_TIME)
            alike = clicked_embedding[clicks] @ flat
            alike -= 1
            for kernel, (sharpness, precision, planes) in enumerate(self.kernels):
                near = np.multiply(alike, np.float32(sharpness))
                np.exp(near, out=near)
                grid = near.reshape(-1, height, width)
                grid *= np.exp(-0.5 * precision * down[clicks])[:, :, None]
                grid *= np.exp(-0.5 * precision * across[clicks])[:, None, :]
                sums[0, kernel] += own[:, clicks] @ near
                if opposed and "against" in planes:
                    sums[1, kernel] += against[:, clicks] @ near
        grids = sums.reshape(*sums.shape[:3], height, width)
        return [KernelSums(mine, theirs if opposed else None, mine.sum(0)) for mine, theirs in zip(*grids, strict=True)]

    def make(self, sums: list[KernelSums], prior: Floats, question: Question, label: int, box: Box) -> Floats:
        """The planes of one label inside a box, float32 (1, planes, h, w).

        Args:
            sums: of ``sums``.
            prior: float32 (1, known labels, h, w), probabilities at this stride.
            question: clicks and labels.
            label: which of the question's.
            box: where.
        """
        known = question.known[label]
        names = np.flatnonzero(known)
        priors = box.of(prior[0, names], self.stride)
        made = np.empty((1, self.count, *priors.shape[1:]), np.float32)
        planes = iter(made[0])
        for (own, against, total), (*_, kinds) in zip(sums, self.kernels, strict=True):
            mine = box.of(own[label], self.stride)
            for kind in kinds:
                if kind == "share":
                    np.divide(mine, box.of(total, self.stride) + np.float32(self.faint), out=next(planes))
                elif kind == "strength":
                    self._visible(mine, next(planes))
                elif against is None:
                    next(planes)[:] = 0
                else:
                    self._visible(box.of(against[label], self.stride), next(planes))
        np.einsum("k,khw->hw", known[names], priors, out=next(planes))
        _pool(box.of(question.previous[label], FINEST), self.stride // FINEST, next(planes))
        if self.constants:
            next(planes)[:] = known.max()
            next(planes)[:] = question.own[:, label].max()
        return made

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


def _pool(plane: Floats, side: int, out: Floats) -> None:
    """The means over squares of ``side`` cells along each axis."""
    out[:] = plane[::side, ::side]
    for phase in range(1, side**2):
        out += plane[phase // side :: side, phase % side :: side]
    out /= side**2
