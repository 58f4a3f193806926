"""DrawnWork: the regions that stand on a photograph, as the parsing so far."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.label_studio.config.labelling_config import LabellingConfig
from ihp_backend.label_studio.masks.mask_records import mask_records, record_mask
from ihp_backend.label_studio.masks.sizes import named, scaled_alike
from ihp_backend.label_studio.problems import Problem, problem
from ihp_backend.labels import IGNORE, LabelSet

MOST_BYTES = 1 << 28

Drawn = tuple[NDArray[np.uint8] | None, tuple[Problem, ...]]


class DrawnWork:
    """Accepted and hand-drawn regions as label maps, decoded once per saved state of a task.

    Args:
        most_bytes: label maps kept; the least recently used give way.

    Concurrency: one lock around the table; regions are decoded outside it, at worst twice.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Drawn] = OrderedDict()

    def label_map(
        self,
        key: tuple[Any, ...],
        records: Sequence[dict[str, Any]],
        config: LabellingConfig,
        labels: LabelSet,
        size: tuple[int, int],
    ) -> Drawn:
        """What is drawn, later regions over earlier ones.

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
                self._kept.move_to_end(key)
                return self._kept[key]
        drawn = _paint(records, config, labels, size)
        with self._lock:
            self._kept[key] = drawn
            while sum(_bytes(kept) for kept in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)
        return drawn


def _paint(
    records: Sequence[dict[str, Any]], config: LabellingConfig, labels: LabelSet, size: tuple[int, int]
) -> Drawn:
    label_map: NDArray[np.uint8] | None = None
    problems: list[Problem] = []
    for record, names in mask_records(records, shapes=True):
        # Only a region with one label of the config says what its pixels are.
        label = config.label_of(names[0]) if isinstance(names, list) and len(names) == 1 else None
        if label is None:
            continue
        try:
            mask = record_mask(record)
        except ValueError as error:
            problems.append(problem(f"region {str(record.get('id'))[:40]!r}", label, f"left out: {error}"))
            continue
        drawn_on = (mask.shape[0], mask.shape[1])
        if not scaled_alike(drawn_on, size):
            found = f"left out: drawn on {named(drawn_on)} pixels, the photograph has {named(size)}; draw it again"
            problems.append(problem(f"region {str(record.get('id'))[:40]!r}", label, found))
            continue
        if mask.shape != size:
            mask = cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
        if label_map is None:
            label_map = np.full(size, IGNORE, np.uint8)
        label_map[mask] = labels.id_of(label)
    return label_map, tuple(problems)


def _bytes(drawn: Drawn) -> int:
    return 1024 + (0 if drawn[0] is None else drawn[0].nbytes)
