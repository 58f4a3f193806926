"""Cells whose pixels are mixtures of the cells around them, by shares that belong to the photograph.

Where a cell and the eight around it agree on the best label, so does every mixture of them: only the others, at the
outlines, are mixed. The result is that of mixing every label in every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing.answer import Answer, first_best
from ihp_backend.parsing.click_enforcement import YIELD
from ihp_backend.parsing.enlarging import enlarged

STRIDE = 4
"""Working pixels per cell along each axis."""

SQUARE = np.ones((3, 3), np.uint8)
"""A cell and those around it."""

PASSES = 8
"""How often clicks are gone through at most; those that contradict one another in one pixel never agree."""


class ConvexAnswer(Answer):
    """Logits that are mixed into pixels.

    Args:
        logits, labels: see ``Answer``.
        shares: float32 (h, w, 16, 9), of the nine cells around each cell in each of its pixels.
    """

    def __init__(self, logits: NDArray[np.float32], labels: NDArray[np.uint8], shares: NDArray[np.float32]) -> None:
        super().__init__(logits, labels, STRIDE)
        self.shares = shares

    def only(self, rows: NDArray[np.bool_]) -> ConvexAnswer:
        """The answer as if only the labels of ``rows`` (rows,) had been asked for."""
        kept = ConvexAnswer(self.logits[rows], self.labels[rows], self.shares)
        if rows[self.best].all():
            kept.best = (np.cumsum(rows) - 1).astype(np.uint8)[self.best]
        return kept

    def enforce_clicks(self, clicks: Sequence[Click]) -> ConvexAnswer:
        """Changes the cells as little as makes each clicked pixel follow.

        A pixel is a weighted sum of nine cells, so each click asks for one linear inequality; they are met in turn
        (Kaczmarz), over again while meeting one breaks another.
        """
        rows = {int(label): row for row, label in enumerate(self.labels)}
        # A negative click on a label that is not answered anyway asks for nothing.
        asked = [click for click in clicks if click.label in rows]
        row = np.array([rows[click.label] for click in asked], np.intp)
        sign = np.array([1 if click.positive else -1 for click in asked], np.float32)
        places = np.array([(click.y, click.x) for click in asked], np.intp).reshape(-1, 2)
        cells, shares = self.around(places), self._shares(places)
        logits, number = self.logits.reshape(len(self.labels), -1), np.arange(len(asked))
        touched = np.zeros(len(asked), bool)
        for attempt in range(PASSES):
            wrong = number[_lacks(np.einsum("rnk,nk->rn", logits[:, cells], shares), row, sign) >= 0]
            if not len(wrong):
                break
            logits = logits.copy() if attempt == 0 else logits
            touched[wrong] = True
            for one in wrong:
                lack = float(_lacks(logits[:, cells[one]] @ shares[one][:, None], row[[one]], sign[[one]])[0])
                if lack >= 0:
                    # The least change, in the sense of squares, of the cells that make the pixel.
                    change = sign[one] * (lack + YIELD) * shares[one] / (shares[one] @ shares[one])
                    np.add.at(logits[row[one]], cells[one], change)
        return self.changed(logits, cells[touched].ravel()) if touched.any() else self

    def changed(self, logits: NDArray[np.float32], cells: NDArray[np.intp]) -> ConvexAnswer:
        """The answer with other logits, float32 (rows, h w), in cells (n,), counted through the grid."""
        answer = ConvexAnswer(logits.reshape(self.logits.shape), self.labels, self.shares)
        answer.best = self.best.copy()
        answer.best.ravel()[cells] = first_best(logits[:, cells])
        return answer

    def around(self, places: NDArray[np.integer]) -> NDArray[np.intp]:
        """The nine cells around each of n working pixels (n, 2), intp (n, 9), counted through the grid."""
        row, column = places.T // STRIDE
        return self._neighbours(row, column)

    def _shares(self, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """The shares (n, 9) of those cells in the pixels."""
        (row, column), (down, across) = places.T // STRIDE, places.T % STRIDE
        return self.shares[row, column, down * STRIDE + across]

    def _neighbours(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.intp]:
        """The nine cells around each of n cells, intp (n, 9), counted through the grid; at its edges some twice."""
        height, width = self.logits.shape[1:]
        down = np.clip(row[:, None] + np.repeat([-1, 0, 1], 3), 0, height - 1)
        across = np.clip(column[:, None] + np.tile([-1, 0, 1], 3), 0, width - 1)
        return down * width + across

    def label_map(self, height: int, width: int, rows: int, columns: int) -> NDArray[np.uint8]:
        """Mixed in working pixels, then brought to the photograph's size."""
        working = self.labels[self.working_map()[:rows, :columns]]
        return enlarged(working, height, width)

    def working_map(self) -> NDArray[np.uint8]:
        """The best row of every working pixel, uint8 (4 h, 4 w)."""
        height, width = self.best.shape
        row, column = np.nonzero(cv2.dilate(self.best, SQUARE) != cv2.erode(self.best, SQUARE))
        label_map = self.best.repeat(STRIDE, 0).repeat(STRIDE, 1)
        blocks = label_map.reshape(height, STRIDE, width, STRIDE).transpose(0, 2, 1, 3)
        if len(row):
            blocks[row, column] = self._mixed(row, column).reshape(-1, STRIDE, STRIDE)
        return label_map

    def _mixed(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The best row of each pixel of n cells, uint8 (n, 16).

        A mixture lies between the smallest and the largest of what is mixed. So a label whose largest value around a
        cell is below another's smallest is best in none of its pixels, nor is one that is nowhere around it ahead of
        the cell's best label. What remains is one label of most cells, and how far it is ahead is mixed.
        """
        lowest, highest = np.empty_like(self.logits), np.empty_like(self.logits)
        for plane, low, high in zip(self.logits, lowest, highest, strict=True):
            cv2.erode(plane, SQUARE, dst=low)
            cv2.dilate(plane, SQUARE, dst=high)
        possible = np.ascontiguousarray((highest >= lowest.max(0))[:, row, column].T)
        usual = self.best[row, column]
        possible[np.arange(len(row)), usual] = False
        cell, label = np.nonzero(possible)
        around, logits = self._neighbours(row, column), self.logits.reshape(len(self.logits), -1)
        ahead = logits[label[:, None], around[cell]] - logits[usual[:, None], around][cell]
        somewhere = (ahead > 0).any(1)
        cell, rival, ahead = cell[somewhere], label[somewhere].astype(np.uint8)[:, None], ahead[somewhere]
        values = (self.shares[row[cell], column[cell]] @ ahead[:, :, None])[:, :, 0]
        best, largest = usual[:, None].repeat(STRIDE**2, 1), np.zeros((len(row), STRIDE**2), np.float32)
        # The labels of a cell follow one another: all cells' first ones are compared, then their second ones ...
        place = np.arange(len(cell)) - np.searchsorted(cell, cell)
        for number in range(int(place.max(initial=-1)) + 1):
            these = np.flatnonzero(place == number)
            where, value = cell[these], values[these]
            best[where] = np.where(value > largest[where], rival[these], best[where])
            largest[where] = np.maximum(value, largest[where])
        return best


def _lacks(values: NDArray[np.float32], row: NDArray[np.intp], sign: NDArray[np.float32]) -> NDArray[np.float32]:
    """Value each click lacks to be followed, below 0 if it is, (n,), from the values (rows, n) at the clicks."""
    if len(values) == 1:
        return np.full(len(row), -np.inf, np.float32)  # There is no other label to choose.
    clicks = np.arange(len(row))
    others = values.copy()
    others[row, clicks] = -np.inf
    return sign * (others.max(0) - values[row, clicks])
