"""Last answer: what a parser said before the newest click, handed over where it is worth believing.

Handed over whole, an answer is believed where it is wrong, too, and the first corrections do less than without it. So
it is withheld where it was unsure, and around clicks that say otherwise. Training does the same
(``learning/live_samples.py``).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import IGNORE
from ihp_backend.parsing.geometry import padded, to_working_map
from ihp_backend.parsing.scene import Parse
from ihp_backend.parsing.windows import View

SURE: Final = 0.8
"""Probability from which on an answer is handed over."""

REACH: Final = 80
"""Working pixels around a click in which the label that it contradicts is withheld."""

LONGER_SIDE: Final = 1024
"""Pixels of the longer side in which an answer is kept: as fine as the cells in which the network takes it."""


@dataclass(frozen=True)
class LastAnswer:
    """An answer, kept small.

    Attributes:
        label_map: uint8 (h, w), ids of the annotation, 255 where it was unsure.
        height, width: of the photograph.
        clicks: that it answered.
    """

    label_map: NDArray[np.uint8]
    height: int
    width: int
    clicks: frozenset[Click]

    @classmethod
    def of(cls, parse: Parse, clicks: Iterable[Click]) -> LastAnswer:
        """What of the parsing with these clicks is handed over to the next; all of it without probabilities."""
        height, width = parse.label_map.shape
        scale = min(LONGER_SIDE / max(height, width), 1)
        rows, columns = (max(round(side * scale), 1) for side in (height, width))
        small = cv2.resize(parse.label_map, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT)
        label_map: NDArray[np.uint8] = small.astype(np.uint8, copy=True)
        if parse.cells is not None:
            label_map[parse.pixel_confidence((rows, columns)) < SURE] = IGNORE
        return cls(label_map, height, width, frozenset(clicks))

    def stands(self, clicks: Iterable[Click]) -> bool:
        """Whether none of its clicks was taken back or moved, which would leave behind what they had made."""
        return self.clicks <= set(clicks)

    def to_bytes(self) -> bytes:
        """Bytes that ``from_bytes`` reads: a line of JSON, then the label map, compressed."""
        clicks = sorted((click.x, click.y, click.label, click.positive) for click in self.clicks)
        described = {"kept": self.label_map.shape, "size": [self.height, self.width], "clicks": clicks}
        return json.dumps(described).encode() + b"\n" + zlib.compress(self.label_map.tobytes(), 1)

    @classmethod
    def from_bytes(cls, content: bytes) -> LastAnswer | None:
        """An answer that was kept; None where another release wrote it otherwise."""
        try:
            head, _, pixels = content.partition(b"\n")
            described = json.loads(head)
            label_map = np.frombuffer(zlib.decompress(pixels), np.uint8).reshape(described["kept"])
            height, width = map(int, described["size"])
            clicks = frozenset(
                Click(int(x), int(y), int(label), bool(sign)) for x, y, label, sign in described["clicks"]
            )
        except (KeyError, TypeError, ValueError, OverflowError, zlib.error):
            return None
        return cls(label_map, height, width, clicks) if label_map.ndim == 2 and min(height, width) > 0 else None

    def in_view(self, view: View, clicks: Iterable[Click]) -> NDArray[np.uint8]:
        """What of it a view shows and ``clicks`` do not contradict, uint8 (rows, columns) in its working pixels."""
        box, (rows, columns) = view.box, view.sides
        down = _places(box.top, box.height, rows, self.height, self.label_map.shape[0])
        across = _places(box.left, box.width, columns, self.width, self.label_map.shape[1])
        return withheld(self.label_map[down[:, None], across], view.clicks(clicks), REACH)


def _places(first: int, length: int, count: int, of: int, kept: int) -> NDArray[np.intp]:
    """Which of ``kept`` rows show the middles of ``count`` rows that lie evenly in a part of a photograph."""
    middles = first + (np.arange(count) + 0.5) * (length / count)
    return np.minimum(middles * (kept / of), kept - 1).astype(np.intp)


@dataclass(frozen=True)
class SoFar:
    """The parsing so far: what is drawn or accepted, and where nothing is, the last answer.

    Attributes:
        drawn: uint8 (height, width) of the photograph, 255 where nothing is; or None.
        last: or None.
        clicks: in pixels of the photograph.
    """

    drawn: NDArray[np.uint8] | None = None
    last: LastAnswer | None = None
    clicks: Sequence[Click] = ()

    def in_view(self, view: View, multiple_of: int) -> NDArray[np.uint8] | None:
        """Its part in a view, uint8 in padded working pixels, 255 where there is none; None where there is nothing."""
        drawn = None
        if self.drawn is not None:
            top, left, bottom, right = view.box
            drawn = to_working_map(self.drawn[top:bottom, left:right], view.scale, multiple_of)
        if self.last is None:
            return drawn
        answered = padded(self.last.in_view(view, self.clicks), multiple_of, IGNORE)
        return answered if drawn is None else np.where(drawn == IGNORE, answered, drawn)


def withheld(label_map: NDArray[np.uint8], clicks: Iterable[Click], reach: float) -> NDArray[np.uint8]:
    """A label map with 255 where a click says otherwise: in pixels of the same label, near the click.

    Args:
        label_map: uint8 (height, width), 255 where there is none.
        clicks: in its pixels; those outside count for nothing.
        reach: in pixels.
    """
    result = label_map.copy()
    height, width = label_map.shape
    for click in clicks:
        if not (0 <= click.y < height and 0 <= click.x < width):
            continue
        said = int(label_map[click.y, click.x])
        if said == IGNORE or (said == click.label) == click.positive:
            continue
        top, left = max(int(click.y - reach), 0), max(int(click.x - reach), 0)
        part = slice(top, int(click.y + reach) + 1), slice(left, int(click.x + reach) + 1)
        y, x = np.ogrid[part[0].start : min(part[0].stop, height), part[1].start : min(part[1].stop, width)]
        near = (y - click.y) ** 2 + (x - click.x) ** 2 <= reach**2
        result[part][near & (label_map[part] == said)] = IGNORE
    return result
