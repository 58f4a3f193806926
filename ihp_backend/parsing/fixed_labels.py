"""A network with one output per label that it was trained on, such as the paper's: its clicks are localization maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.labels import LabelSet, map_labels
from ihp_backend.parsing.answer import Answer
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.click_enforcement import enforce_clicks
from ihp_backend.parsing.engines.base import Engine
from ihp_backend.parsing.label_network import Network
from ihp_backend.parsing.upsampling import label_map_from_logits


class FixedLabels(Network):
    """Asks an ``Engine``; labels of the model that the annotation lacks count as background.

    A click of a label that several of the model's become is one of the first of them.

    Args:
        engine: runs the network.
        known: the labels of its outputs.
        labels: those of the annotation.

    Raises:
        ValueError: the model lacks some of ``labels``.
    """

    def __init__(self, engine: Engine, known: LabelSet, labels: LabelSet) -> None:
        self._engine, self._num_known = engine, len(known)
        self._to_model, self._from_model = _translation(labels, known)

    def encode(self, working: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Any:
        """Working size and what the engine makes of the photograph, which is little and stays where it is."""
        return working.shape[:2], self._engine.encode(working)

    def ask(self, features: Any, clicks: Sequence[Click], previous: NDArray[np.uint8] | None) -> Answer:
        """The answer of one run of the network; the parsing so far is not used."""
        (height, width), encoded = features
        translated = [Click(c.x, c.y, int(self._to_model[c.label]), c.positive) for c in clicks]
        maps = localization_maps(translated, height, width, self._num_known)
        logits = self._engine.decode(encoded, maps)
        return StridedAnswer(logits, self._from_model, self._to_model, height // logits.shape[1])


class StridedAnswer(Answer):
    """Logits that are interpolated between the middles of their cells.

    Args:
        logits, labels, stride: see ``Answer``.
        rows: intp (number of labels,), the row of each label.
    """

    def __init__(
        self, logits: NDArray[np.float32], labels: NDArray[np.uint8], rows: NDArray[np.intp], stride: int
    ) -> None:
        super().__init__(logits, labels, stride)
        self.rows = rows

    def enforce_clicks(self, clicks: Sequence[Click]) -> StridedAnswer:
        """See ``click_enforcement.enforce_clicks``."""
        of_rows = [Click(c.x, c.y, int(self.rows[c.label]), c.positive) for c in clicks]
        return StridedAnswer(enforce_clicks(self.logits, of_rows, self.stride), self.labels, self.rows, self.stride)

    def label_map(self, height: int, width: int, rows: int, columns: int) -> NDArray[np.uint8]:
        """Interpolated straight to the photograph's size."""
        best = label_map_from_logits(
            self.logits, height, width, rows / height / self.stride, columns / width / self.stride
        )
        return self.labels[best]


def _translation(labels: LabelSet, known: LabelSet) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Look-up tables from label ids to the model's and back.

    Raises:
        ValueError: the model lacks some of the labels.
    """
    if labels == known:
        return np.arange(len(labels)), np.arange(len(labels), dtype=np.uint8)
    mapping = map_labels(labels.names, known)
    if mapping.unknown:
        raise ValueError(
            f"labels: the model has no {', '.join(map(repr, mapping.unknown))}; it knows {', '.join(known.names)}"
        )
    to_model = np.array([mapping.ids[name][0] for name in labels.names])
    from_model = np.zeros(len(known), np.uint8)
    for label, name in enumerate(labels.names):
        from_model[list(mapping.ids[name])] = label
    return to_model, from_model
