"""DrawnWork: the regions that stand on a photograph, as the parsing so far."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.masks.painting import paint
from ihp_backend.label_studio.problems import Problem, problem
from ihp_backend.labels import IGNORE, LabelSet

MOST_BYTES = 1 << 28

Drawn = tuple[NDArray[np.uint8] | None, tuple[Problem, ...]]


class DrawnWork:
    """Accepted and hand-drawn regions as label maps, decoded once per saved state of a task.

    Args:
        most_bytes: of label maps kept; the least recently used are dropped.

    Concurrency: one lock around the table; regions are decoded outside it, at worst twice.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._kept: LRUCache[tuple[Any, ...], Drawn] = LRUCache(most_bytes, _bytes)

    def label_map(
        self,
        key: tuple[Any, ...],
        records: Sequence[dict[str, Any]],
        config: LabellingConfig,
        labels: LabelSet,
        size: tuple[int, int],
    ) -> Drawn:
        """Label map of what is drawn, later regions over earlier ones.

        Args:
            key: differs whenever anything else that is given here does.
            records: of an annotation or a draft, on one image.
            config: the labelling config.
            labels: the config's.
            size: height and width of the photograph.

        Returns:
            uint8 (height, width), 255 where nothing is drawn, or None where nothing is drawn at all; and what was
            wrong with regions that had to be left out.
        """
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        drawn = _paint(records, config, labels, size)
        # Of tasks on which nothing is drawn there are many, and they cost nothing to look at again.
        if drawn[0] is not None and _bytes(drawn) <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = drawn
        return drawn


def _paint(
    records: Sequence[dict[str, Any]], config: LabellingConfig, labels: LabelSet, size: tuple[int, int]
) -> Drawn:
    painting = paint(list(mask_regions(records)), lambda name: config.id_of(name, labels), size)
    # While work goes on, regions are unfinished or have no label yet; only what cannot be read is worth a word.
    problems = tuple(
        problem(f"region {left_out.region!r}", "a mask", f"left out: {left_out.reason}")
        for left_out in painting.left_out
        if left_out.unreadable
    )
    return painting.label_map, problems


def _bytes(drawn: Drawn) -> int:
    return 1024 + (0 if drawn[0] is None else drawn[0].nbytes)


def keep_drawn(
    label_map: NDArray[np.uint8], drawn: NDArray[np.uint8], clicks: Sequence[Click], answered: Collection[int]
) -> frozenset[int]:
    """Leaves accepted and drawn pixels to their labels, in place: a model may take some of them for what is clicked.

    A drawn label that is answered anew may change, and so may one in which a click says that it is something else.

    Args:
        label_map: uint8 (height, width), the answer.
        drawn: uint8 (height, width), the parsing accepted or drawn, 255 where there is none.
        clicks: those that are newer than what is drawn, in pixels of both.
        answered: ids of the labels whose masks are answered.

    Returns:
        The drawn labels that may change though they are not answered.
    """
    # Another label, or not this one; that a coat is no hat tells nothing against the coat.
    denied = {here for click in clicks if click.positive == (click.label != (here := int(drawn[click.y, click.x])))}
    stays = np.ones(256, bool)
    stays[[IGNORE, *answered, *denied]] = False
    np.copyto(label_map, drawn, where=stays[drawn])
    return frozenset(denied.difference(answered, (IGNORE,)))


def take_from_drawn(
    label_map: NDArray[np.uint8], drawn: NDArray[np.uint8], label: int, answered: Collection[int]
) -> bool:
    """Makes of a label's pixels what is left of its drawn ones, in place; says whether any went to labels answered.

    Args:
        label_map, drawn, answered: see ``keep_drawn``.
        label: drawn, and not answered by itself.
    """
    taken = np.zeros(256, bool)
    taken[list(answered)] = True
    was = drawn == label
    left = was & ~taken[label_map]
    label_map[label_map == label] = IGNORE
    label_map[left] = label
    return bool(left.sum() < was.sum())
