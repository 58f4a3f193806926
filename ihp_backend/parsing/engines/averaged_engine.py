"""AveragedEngine: a network asked about one photograph at several scales and mirrored (test-time augmentation)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import localization_maps
from ihp_backend.clicks.localization import FAR
from ihp_backend.parsing.engines.base import Engine

SCALES = (0.25, 4.0)
"""The smallest and the largest scale that makes sense."""


class _View(NamedTuple):
    features: Any
    height: int
    width: int
    mirrored: bool


class AveragedEngine(Engine):
    """Averages the probabilities that another engine gives to each pixel, for photographs without clicks.

    The working image is scaled and mirrored together with its padding. So a scale above 1 shows no more of a photograph
    that is larger than the working size.

    Args:
        engine: runs the network.
        mirrored_ids: ``LabelSet.mirrored_ids`` of its outputs.
        multiple_of: scaled working images have sides that are multiples of it.
        scales: of the working image, one or more.
        flip: whether each of them is also seen mirrored.

    Raises:
        ValueError: no scale, or one out of ``SCALES``.
    """

    def __init__(
        self, engine: Engine, mirrored_ids: Sequence[int], multiple_of: int, scales: Sequence[float], flip: bool
    ) -> None:
        if not scales or not all(SCALES[0] <= scale <= SCALES[1] for scale in scales):
            raise ValueError(f"scales: {list(scales)} given; give one or more from {SCALES[0]} to {SCALES[1]:g}")
        self._engine, self._mirrored_ids, self._multiple_of = engine, list(mirrored_ids), multiple_of
        self._scales, self._flip = scales, flip

    def encode(self, image: NDArray[np.uint8]) -> list[_View]:
        """The features of every scaled image, and of its mirror image."""
        views = []
        for scale in self._scales:
            height, width = (
                max(round(side * scale / self._multiple_of), 1) * self._multiple_of for side in image.shape[:2]
            )
            smooth = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_LINEAR
            scaled = cv2.resize(image, (width, height), interpolation=smooth).astype(np.uint8, copy=False)
            views.append(_View(self._engine.encode(scaled), height, width, False))
            if self._flip:
                views.append(_View(self._engine.encode(scaled[:, ::-1]), height, width, True))
        return views

    def decode(self, features: list[_View], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logarithms of the mean probabilities, at the stride of the network.

        Raises:
            ValueError: there is a click.
        """
        if (click_maps != FAR).any():
            raise ValueError("click: averages over scales and mirror images are for photographs without clicks")
        num_labels, height, width = click_maps.shape
        seen = []
        for view in features:
            without_clicks = localization_maps([], view.height, view.width, num_labels)
            logits = self._engine.decode(view.features, without_clicks)
            powers = np.exp(logits - logits.max(0))
            probabilities = powers / powers.sum(0)
            if view.mirrored:
                probabilities = probabilities[self._mirrored_ids, :, ::-1]
            stride = view.height // logits.shape[1]
            size = (width // stride, height // stride)
            seen.append([cv2.resize(of_label, size) for of_label in probabilities])
        mean: NDArray[np.float32] = np.mean(seen, axis=0, dtype=np.float32)
        return np.log(np.maximum(mean, np.finfo(np.float32).tiny))
