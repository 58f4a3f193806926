"""Windows: rectangles of a photograph that are worked on at a finer scale than the overview, where people are small.

A photograph is worked on reduced to a few hundred pixels. Somebody who fills a third of it is then as small as a
thumb, and no click makes up for the pixels that are missing. So people get windows, whether they were found in the
overview or clicked on: each is encoded as a photograph of its own would be, when it is needed, and kept.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing.arrays import PlaceArray, array_bytes, arrays_of, as_they_are
from ihp_backend.parsing.convex_upsampling import STRIDE
from ihp_backend.parsing.engines.base import Encoded
from ihp_backend.parsing.geometry import in_sides, working_scale, working_sides
from ihp_backend.parsing.people import MAYBE, PERSON, people
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.single_flight import SingleFlight

MARGIN: Final = 0.07
"""Of a person's longer side, on each side of a window around them: a little more than the edge that is mixed."""

GAIN: Final = 1.35
"""A window shows at least this much more than the overview, or it is not worth its time."""

JOINED: Final = 0.8
"""Windows become one that shows everything at no less than this part of their scale."""

MOST_WINDOWS: Final = 16
"""Windows of a photograph at most; further people stay in the overview."""

MOST_BYTES: Final = 192 << 20
"""Encoded windows of a photograph that are kept; those used least recently are encoded again when they are needed."""

MOST_PIXELS: Final = 16_000_000
"""A larger photograph is kept reduced to no more than this many; its windows show no more than that."""

SMALL: Final = 0.6
"""Share of a window's longer side up to which people in it are small, and of the largest person's from which on a piece
of a window is a person."""

TINY: Final = 160
"""Pixels of a window's longer side below which it is enlarged, as tiny photographs are."""

CLICKED: Final = 1 / 3
"""Side of the window around a lone click on what no model knows, of the photograph's longer side."""

SMALLEST_WINDOW: Final = 32
"""Pixels of a window's sides at least, as far as the photograph goes."""


@dataclass(frozen=True)
class View:
    """A rectangle of a photograph, encoded.

    Attributes:
        box: where, in pixels of the photograph.
        scale: working pixels per pixel of the photograph.
        features: what the engine prepared; belongs to it.
    """

    box: Rectangle
    scale: float
    features: Any

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width in working pixels, without padding."""
        return working_sides(self.box.height, self.box.width, self.scale)

    def clicks(self, clicks: Iterable[Click]) -> list[Click]:
        """The clicks in working pixels of the view; those elsewhere lie beyond its edges."""
        rows, columns = self.sides
        down, across = rows / self.box.height, columns / self.box.width
        return [
            Click(
                math.floor((click.x - self.box.left + 0.5) * across),
                math.floor((click.y - self.box.top + 0.5) * down),
                click.label,
                click.positive,
            )
            for click in clicks
        ]


class Windows:
    """The windows of one photograph; safe to share between threads.

    Args:
        image: uint8 (height, width, 3), kept.
        scale: of the overview.
        overview: the photograph, encoded.
        heads: the model's labels of which a person has one, see ``HEADS``.
        encode: encodes a working image.
        working_size, multiple_of: see ``Checkpoint``.
        place: see ``Parser.open``.
    """

    def __init__(
        self,
        image: NDArray[np.uint8],
        scale: float,
        overview: Encoded,
        heads: Sequence[int],
        encode: Callable[[NDArray[np.uint8]], Encoded],
        working_size: int,
        multiple_of: int,
        place: PlaceArray = as_they_are,
    ) -> None:
        self._size: tuple[int, int] = (image.shape[0], image.shape[1])
        self._encode, self._working_size, self._multiple_of = encode, working_size, multiple_of
        self._scale, self._heads = scale, heads
        self._reduced = 1.0
        while image.shape[0] * image.shape[1] > MOST_PIXELS:  # Halves are many times as fast as other reductions.
            half = (max(image.shape[1] // 2, 1), max(image.shape[0] // 2, 1))
            image = cv2.resize(image, half, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
            self._reduced /= 2
        self._image = place(image)
        self._whole = View(Rectangle(0, 0, *self._size), scale, overview)
        self._people = self._found(self._whole, PERSON)
        self._around_each: dict[Rectangle, list[Rectangle]] = {}
        self._lock = threading.Lock()
        self._views: LRUCache[Rectangle, View] = LRUCache(MOST_BYTES, lambda view: array_bytes(view.features))
        self._opening = SingleFlight[Rectangle, View]()

    @property
    def bytes(self) -> int:
        """What the photograph and the windows take that are encoded at present."""
        with self._lock:
            return int(self._image.nbytes + self._views.currsize)

    @property
    def arrays(self) -> list[Any]:
        """The photograph and the arrays of those windows."""
        with self._lock:
            return [self._image, *(array for view in self._views.values() for array in arrays_of(view.features))]

    @cached_property
    def hinted(self) -> Sequence[Rectangle]:
        """Windows around the people who are seen in the overview, in pixels of the photograph.

        A window may show that it holds many who are smaller still; then they get windows instead, or as well. So the
        first time costs an encoding of each.
        """
        windows = [box for box in self._around(self._people, self._scale) if self._shows_more_pixels(box, self._scale)]
        windows = windows[:MOST_WINDOWS]
        for box in tuple(windows):
            finer = self._finer(box)
            if finer and len(windows) - 1 + len(finer) <= MOST_WINDOWS:
                windows.remove(box)
                windows += finer
        return tuple(windows)

    def _finer(self, box: Rectangle) -> list[Rectangle]:
        """Windows around those who are all small in a window; with it, if they leave out some of them."""
        view = self.view(box)
        inside = self._found(view, PERSON)
        largest = max((max(one.sides) for one in inside), default=0)
        if largest > SMALL * max(box.sides):
            return []
        # Pieces of somebody need no windows of their own.
        inside = [one for one in inside if max(one.sides) >= SMALL * largest]
        finer = [one for one in self._around(inside, view.scale) if self._shows_more_pixels(one, view.scale)]
        covered = all(any(_contains(one, somebody) for one in finer) for somebody in inside)
        return finer if covered else [box, *finer] if finer else []

    @cached_property
    def _maybe(self) -> list[Rectangle]:
        """Boxes around what may be people; only asked for where somebody clicked on nobody."""
        return self._found(self._whole, MAYBE)

    def _found(self, view: View, threshold: float) -> list[Rectangle]:
        """Boxes around the people in a view, in pixels of the photograph, largest area first."""
        rows, columns = (math.ceil(side / STRIDE) for side in view.sides)
        head = np.isin(view.features.likeliest[:rows, :columns], self._heads)
        found = people(view.features.background[:rows, :columns], head, threshold)
        down, across = (STRIDE * side / count for side, count in zip(view.box.sides, view.sides, strict=True))
        return [
            Rectangle(
                view.box.top + round(box.top * down),
                view.box.left + round(box.left * across),
                min(view.box.top + round(box.bottom * down), view.box.bottom),
                min(view.box.left + round(box.right * across), view.box.right),
            )
            for box in found
        ]

    def boxes(self, clicks: Iterable[tuple[Click, bool]]) -> list[Rectangle]:
        """The windows that a photograph with these clicks has, each once: those that are hinted, then those clicked.

        A click opens one on somebody tiny; where nobody was seen, if there may be somebody; and where its label is none
        that the model knows. A click on the background or against a label opens none.

        Args:
            clicks: in pixels of the photograph, oldest first, and whether the model knows the label.
        """
        found = list(self.hinted)
        cell = STRIDE / self._scale
        for click, known in clicks:
            if not click.positive or not click.label or len(found) >= MOST_WINDOWS:
                continue
            if any(box.contains(click.y, click.x) for box in found):
                continue
            if here := [box for box in self._people if box.contains(click.y, click.x)]:
                found += self._around_one(here[0])  # None if they are large enough for the overview.
            elif near := [box for box in self._maybe if box.grown(cell).contains(click.y, click.x)]:
                found += self._around_one(near[0])
            elif not known:
                found += self._window(click)
        return found

    def view(self, box: Rectangle) -> View:
        """A window, encoded if it is not yet; raises what ``encode`` raises."""
        with self._lock:
            kept = self._views.get(box)
        if kept is not None:
            return kept

        def opened() -> View:
            view = View(box, self.scale_of(box), self._encode(self.working_image(box)))
            with self._lock:
                if array_bytes(view.features) <= self._views.maxsize:
                    self._views[box] = view
            return view

        return self._opening.do(box, opened)

    def scale_of(self, box: Rectangle) -> float:
        """Working pixels per pixel of the photograph in a window: no more than one, but for somebody tiny."""
        scale = working_scale(box.height, box.width, self._working_size)
        return scale if max(box.sides) < TINY else min(scale, max(self._scale, 1))

    def working_image(self, box: Rectangle) -> NDArray[np.uint8]:
        """A window as the network sees it, padded."""
        top, left, bottom, right = (round(edge * self._reduced) for edge in box)
        part = self._image[top : max(bottom, top + 1), left : max(right, left + 1)]
        return in_sides(part, working_sides(box.height, box.width, self.scale_of(box)), self._multiple_of)

    def _around(self, somebody: Iterable[Rectangle], scale: float) -> list[Rectangle]:
        """Windows around people, in pixels of the photograph: those that gain, joined where that loses little."""
        windows = [self._clipped(box.grown(MARGIN * max(box.sides))) for box in somebody]
        windows = [box for box in windows if self.scale_of(box) >= GAIN * scale]
        separate: list[Rectangle] = []
        for box in windows:
            joined = True
            while joined:
                joined = False
                for other in separate:
                    both = box.with_(other)
                    if self.scale_of(both) >= JOINED * max(self.scale_of(box), self.scale_of(other)):
                        separate.remove(other)
                        box, joined = both, True
                        break
            separate.append(box)
        return separate

    def _around_one(self, somebody: Rectangle) -> list[Rectangle]:
        """The window around somebody seen in the overview, remembered, since most clicks are on the same few people."""
        known = self._around_each.get(somebody)
        if known is None:
            known = self._around_each[somebody] = self._around([somebody], self._scale)
        return known

    def _shows_more_pixels(self, box: Rectangle, scale: float) -> bool:
        """Whether it gains without enlarging, so that a person crop has no windows around strangers far behind."""
        return min(self.scale_of(box), max(self._scale, 1)) >= GAIN * scale

    def _window(self, click: Click) -> list[Rectangle]:
        """A window around a lone click, if it shows more than the overview."""
        around = Rectangle(click.y, click.x, click.y + 1, click.x + 1).grown(CLICKED * max(self._size) / 2)
        box = self._clipped(around)
        return [box] if self.scale_of(box) >= GAIN * self._scale else []

    def _clipped(self, box: Rectangle) -> Rectangle:
        """The nearest box inside the photograph that is not smaller than the smallest window."""
        edges = []
        for first, last, side in ((box.top, box.bottom, self._size[0]), (box.left, box.right, self._size[1])):
            lacking = max(SMALLEST_WINDOW - (last - first), 0)
            start, end = max(first - lacking // 2, 0), min(last + lacking // 2, side)
            edges.append((min(start, max(side - SMALLEST_WINDOW, 0)), max(end, min(SMALLEST_WINDOW, side))))
        (first_y, last_y), (first_x, last_x) = edges
        return Rectangle(first_y, first_x, last_y, last_x)


def _contains(box: Rectangle, other: Rectangle) -> bool:
    return box.contains(other.top, other.left) and box.contains(other.bottom - 1, other.right - 1)
