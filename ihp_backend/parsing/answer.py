"""Answer: what a network makes of a photograph and clicks, before it becomes a label map."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click


class Answer(ABC):
    """Logits of some labels on a coarse grid.

    Attributes:
        logits: float32 (rows, h, w).
        labels: uint8 (rows,), the label of the annotation behind each row; several rows may have the same one.
        stride: working pixels per cell along each axis.
    """

    def __init__(self, logits: NDArray[np.float32], labels: NDArray[np.uint8], stride: int) -> None:
        self.logits, self.labels, self.stride = logits, labels, stride
        self._cells: tuple[float, NDArray[np.float32]] | None = None

    @cached_property
    def best(self) -> NDArray[np.uint8]:
        """The best row of every cell, uint8 (h, w)."""
        return first_best(self.logits)

    @abstractmethod
    def enforce_clicks(self, clicks: Sequence[Click]) -> Answer:
        """The answer in which every click is followed; those followed already change nothing.

        Args:
            clicks: in working pixels, oldest first; of contradicting clicks at one place the later one counts.
        """

    @abstractmethod
    def label_map(self, height: int, width: int, rows: int, columns: int) -> NDArray[np.uint8]:
        """The best label of every pixel of the photograph, uint8 (height, width).

        Args:
            height, width: of the photograph.
            rows, columns: working pixels that show it; what lies beyond them is padding.
        """

    def cells(self, temperature: float = 1.0) -> NDArray[np.float32]:
        """The probability of the best label in each cell, float32 (h, w), after the logits are divided by that."""
        if self._cells is None or self._cells[0] != temperature:
            shifted = np.exp((self.logits - self.logits.max(0)) / np.float32(temperature))
            self._cells = temperature, 1 / shifted.sum(0)
        return self._cells[1]

    def confidence(self, cells: NDArray[np.float32], num_labels: int) -> NDArray[np.float32]:
        """Per label the mean of ``cells`` where it is best, float32 (num_labels,); 0 for labels that are nowhere."""
        best = self.labels[self.best].ravel()
        count = np.bincount(best, minlength=num_labels)
        total = np.bincount(best, weights=cells.ravel(), minlength=num_labels)
        return np.divide(total, count, out=np.zeros(num_labels), where=count > 0).astype(np.float32)


def first_best(logits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """``logits.argmax(0)`` of at most 256 rows (rows, ...), uint8; several times faster, since it goes by rows."""
    precedence = (255 - np.arange(len(logits))).astype(np.uint8)
    largest = (logits == logits.max(0)).view(np.uint8)
    largest *= precedence.reshape(-1, *[1] * (logits.ndim - 1))
    best: NDArray[np.uint8] = 255 - largest.max(0)
    return best
