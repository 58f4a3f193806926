"""Joined views: one label map from the answers of an overview and of the windows in it.

Each pixel belongs to the finest window that sees it well inside; two of one scale part in the middle of their overlap.
Where a part crosses a window's edge, the window's logits turn into the overview's, so that it goes on there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.parsing.answer import Answer
from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.convex_upsampling import STRIDE, ConvexAnswer
from ihp_backend.parsing.enlarging import enlarged
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.parsing.scene import Parse
from ihp_backend.parsing.windows import View

RAMP: Final = 24.0
"""Working pixels from a window's edge over which the overview's logits turn into the window's."""

EDGE: Final = 12.0
"""Working pixels from a window's edge in which a part must be, so that it is taken to go on beyond."""

FLOOR: Final = np.float32(10)
"""How far behind the best one a label counts at most where two views are mixed, and one that a view does not have."""


@dataclass(frozen=True)
class Extent:
    """How far inside a view places are.

    Args:
        view: a window, or the overview.
        size: (height, width) of the photograph; its edges are not edges of a view.
    """

    view: View
    size: tuple[int, int]

    def depth(self, y: Floats, x: Floats) -> Floats:
        """Distance to the view's nearest edge inside the photograph, in working pixels, below 0 beyond it.

        Args:
            y, x: rows and columns in pixels of the photograph, 0.5 in the middle of the first; arrays that go together
                as numpy broadcasts them.

        Returns:
            float32, of the shape that both have together.
        """
        box = self.view.box
        sides = ((y, box.top, box.bottom, self.size[0]), (x, box.left, box.right, self.size[1]))
        down, across = (
            np.minimum(
                at - first if first > 0 else np.full_like(at, np.inf),
                last - at if last < side else np.full_like(at, np.inf),
            ).astype(np.float32)
            for at, first, last, side in sides
        )
        return np.asarray(np.minimum(down, across) * np.float32(self.view.scale))

    def claim(self, y: Floats, x: Floats) -> Floats:
        """How much the view is entitled to places: by its scale where it sees them well inside, else by depth.

        Args, returns: see ``depth``.
        """
        depth = self.depth(y, x)
        # Of windows of one scale the deeper one has it.
        inside = np.float32(RAMP + 100 * self.view.scale) + np.minimum(depth, 1e4) * np.float32(1e-4)
        return np.where(depth < RAMP, depth, inside).astype(np.float32)


class Extents:
    """Which of the windows of a photograph has which pixel.

    Args:
        windows: none of them twice.
        size: (height, width) of the photograph.
    """

    def __init__(self, windows: Sequence[View], size: tuple[int, int]) -> None:
        self._extents = [Extent(view, size) for view in windows]

    def homes(self, clicks: Sequence[Click]) -> list[int | None]:
        """The window that each click belongs to; None: the overview."""
        if not self._extents:
            return [None] * len(clicks)
        y, x = (np.array([(click.y, click.x) for click in clicks], np.float32).reshape(-1, 2) + np.float32(0.5)).T
        claims = np.stack([extent.claim(y, x) for extent in self._extents])
        best = claims.argmax(0)
        return [int(window) if claim > 0 else None for window, claim in zip(best, claims.max(0), strict=True)]

    def owned(self, number: int, y: Floats, x: Floats) -> NDArray[np.bool_]:
        """Which places inside a window are its own, bool (h, w); see ``Extent.claim``.

        Args:
            number: of the window.
            y, x: rows (h, 1) and columns (w,), each from the least to the greatest.
        """
        mine = np.ones((y.size, x.size), bool)
        for other, extent in enumerate(self._extents):
            its = extent.view.box
            if other != number and its.overlaps(self._extents[number].view.box):
                # The other one has nothing beyond its edges.
                rows, columns = _inside(its, y, x)
                own, theirs = (one.claim(y[rows], x[columns]) for one in (self._extents[number], extent))
                mine[rows, columns] &= (own > theirs) if other < number else (own >= theirs)
        return mine

    def needed(self, number: int) -> NDArray[np.bool_] | None:
        """Cells of a window that are its own, and those around them, bool (h, w); None if no other overlaps it."""
        if self.alone(number):
            return None
        owned = self.owned(number, *cell_middles(self._extents[number].view))
        return np.asarray(cv2.dilate(owned.view(np.uint8), np.ones((5, 5), np.uint8)) > 0)

    def alone(self, number: int) -> bool:
        """Whether no other window overlaps it."""
        box = self._extents[number].view.box
        return not any(other != number and box.overlaps(extent.view.box) for other, extent in enumerate(self._extents))

    def crossed(self, number: int, answer: ConvexAnswer) -> bool:
        """Whether a part goes on beyond a window's edge, by its answer: then it is mixed with the overview's there."""
        y, x = cell_middles(self._extents[number].view)
        depth = self._extents[number].depth(y, x)
        return bool(((depth > 0) & (depth < EDGE) & (answer.labels[answer.best] > 0)).any())

    def beside(self, overview: View, crossed: Collection[int]) -> NDArray[np.bool_]:
        """Cells of the overview that are seen: beside the windows, and where it is mixed with theirs, bool (h, w).

        Args:
            overview: all of the photograph.
            crossed: the windows with which it is mixed.
        """
        y, x = cell_middles(overview)
        seen = np.ones((y.size, x.size), bool)
        for number, extent in enumerate(self._extents):
            # Mixing interpolates between cells, so one more is needed.
            reach = RAMP + 2 * STRIDE * extent.view.scale / overview.scale if number in crossed else 0
            seen &= extent.depth(y, x) < reach
        return seen

    def mixed(self, number: int, answer: ConvexAnswer, overview: View, around: ConvexAnswer) -> ConvexAnswer:
        """A window's answer, turning into that of the overview near its edges.

        Args:
            number: of the window.
            answer: its.
            overview, around: all of the photograph, and its answer.
        """
        extent = self._extents[number]
        y, x = cell_middles(extent.view)
        share = np.clip(extent.depth(y, x) / np.float32(RAMP), 0, 1)
        row, column = np.nonzero(share < 1)
        if not len(row):
            return answer
        labels = np.union1d(answer.labels, around.labels).astype(np.uint8)
        height, width = answer.logits.shape[1:]
        logits = np.full((len(labels), height, width), ABSENT_LOGIT, np.float32)
        logits[np.searchsorted(labels, answer.labels)] = answer.logits
        inner = _above_floor(logits[:, row, column])
        rows, columns = overview.sides
        down, across = rows / overview.box.height / STRIDE, columns / overview.box.width / STRIDE
        at_y, at_x = (y[row, 0] * down - 0.5).astype(np.float32), (x[column] * across - 0.5).astype(np.float32)
        outer = np.full_like(inner, ABSENT_LOGIT)
        for plane, label in zip(around.logits, around.labels, strict=True):
            sampled = cv2.remap(plane, at_x[None], at_y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            outer[np.searchsorted(labels, label)] = sampled[0]
        outer, weight = _above_floor(outer), share[row, column]
        logits[:, row, column] = weight * inner + (1 - weight) * outer
        return ConvexAnswer(logits, labels, answer.shares)


def _above_floor(logits: Floats) -> Floats:
    """Logits (rows, n) relative to the best of each column, no lower than the floor."""
    return np.asarray(np.maximum(logits - logits.max(0), -FLOOR))


def cell_middles(view: View) -> tuple[Floats, Floats]:
    """Rows (h, 1) and columns (w,) of the middles of a view's cells, padding included, in pixels of the photograph."""
    rows, columns = view.sides
    height, width = view.features.shares.shape[:2]
    y = view.box.top + (np.arange(height, dtype=np.float32) + 0.5) * STRIDE * (view.box.height / rows)
    x = view.box.left + (np.arange(width, dtype=np.float32) + 0.5) * STRIDE * (view.box.width / columns)
    return y[:, None].astype(np.float32), x.astype(np.float32)


def _inside(box: Rectangle, y: Floats, x: Floats) -> tuple[slice, slice]:
    """Which of the rows (h, 1) and columns (w,), each from the least to the greatest, lie in a box."""
    rows, columns = np.searchsorted(y[:, 0], (box.top, box.bottom)), np.searchsorted(x, (box.left, box.right))
    return slice(*rows.tolist()), slice(*columns.tolist())


class JoinedParse:
    """A parsing that begins with the overview's and gets one window after the other.

    Args:
        overview, answer: all of the photograph, and its answer.
        beside: bool (h, w), see ``Extents.beside``.
        temperature: with which logits become probabilities.
        num_labels: of the annotation.
    """

    def __init__(
        self, overview: View, answer: ConvexAnswer, beside: NDArray[np.bool_], temperature: float, num_labels: int
    ) -> None:
        self._overview, self._temperature = overview, temperature
        self._rows, self._columns = overview.sides
        height, width = overview.box.height, overview.box.width
        working = answer.labels[answer.working_map()]
        # Windows are put over it, so there are no outlines to make.
        working[~beside.repeat(STRIDE, 0).repeat(STRIDE, 1)] = 0
        self._label_map = enlarged(working[: self._rows, : self._columns], height, width)
        self._cells = answer.cells(temperature).copy()
        self._best = answer.labels[answer.best]
        self._left = np.ones(self._cells.shape, bool)
        self._count, self._total = np.zeros((2, num_labels))

    def add(self, extents: Extents, number: int, view: View, answer: Answer) -> None:
        """Puts a window's own pixels in their place."""
        box = view.box
        label_map = answer.label_map(box.height, box.width, *view.sides)
        into = self._label_map[box.top : box.bottom, box.left : box.right]
        if extents.alone(number):
            into[:] = label_map
        else:
            y = np.arange(box.top, box.bottom, dtype=np.float32) + np.float32(0.5)
            x = np.arange(box.left, box.right, dtype=np.float32) + np.float32(0.5)
            np.copyto(into, label_map, where=extents.owned(number, y[:, None], x))
        cells = answer.cells(self._temperature)
        y, x = cell_middles(view)
        inside = (y < box.bottom) & (x < box.right)
        owned = extents.owned(number, y, x) & inside
        self._count_in(answer.labels[answer.best][owned], cells[owned], 1 / view.scale**2)
        self._show_confidence(view, cells)

    def _count_in(self, labels: NDArray[np.uint8], cells: Floats, weight: float) -> None:
        self._count += weight * np.bincount(labels, minlength=len(self._count))
        self._total += weight * np.bincount(labels, weights=cells, minlength=len(self._count))

    def _show_confidence(self, view: View, cells: Floats) -> None:
        """The overview's cells whose middles a window has get the mean of what lies in them there."""
        y, x = cell_middles(self._overview)
        box = view.box
        down, across = _inside(box, y, x)
        size = (across.stop - across.start, down.stop - down.start)
        if 0 in size:
            return
        rows, columns = (-(-side // STRIDE) for side in view.sides)
        self._cells[down, across] = cv2.resize(cells[:rows, :columns], size, interpolation=cv2.INTER_AREA)
        self._left[down, across] = False

    def parse(self) -> Parse:
        """All of it."""
        self._count_in(self._best[self._left], self._cells[self._left], 1 / self._overview.scale**2)
        zeros = np.zeros(len(self._count))
        confidence = np.divide(self._total, self._count, out=zeros, where=self._count > 0).astype(np.float32)
        height, width = self._label_map.shape
        per_pixel = (self._rows / height / STRIDE, self._columns / width / STRIDE)
        return Parse(self._label_map, confidence, self._cells, per_pixel)
