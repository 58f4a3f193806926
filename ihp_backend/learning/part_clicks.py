"""Training data of iDeepLab V3+: a part with clicks inside and outside of it (Xu et al., CVPR 2016, section 4)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.datasets import Sample
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.augmentation import random_view
from ihp_backend.learning.part_data import PartItem, PartView, random_part

POSITIVE, NEGATIVE = 0, 1
"""Which map of the guidance holds which clicks."""


class ClickedPart(PartView):
    """A random view, one of the parts in it, positive clicks inside the part and negative ones outside.

    Positive clicks lie anywhere in the part except at its boundary. Of the negative clicks one half lie around the
    part and the other half on other labels, each label as often as any and the background among them; such are the
    clicks that the multi-class protocol takes as negative. Few clicks come more often than many.

    Args:
        size: (height, width) of a view; multiples of the network's stride.
        scales: smallest and largest scale of a view.
        positives_limit: largest number of positive clicks; there is always one.
        negatives_limit: largest number of negative clicks; there may be none.
        margin: distance in pixels of positive clicks from the part's boundary; half the way inwards in slender parts.
        reach: distance in pixels from the part up to which negative clicks lie around it.
        minimum_area: parts with fewer pixels in the view are not taken.
    """

    def __init__(
        self,
        size: tuple[int, int] = (320, 192),
        scales: tuple[float, float] = (0.5, 1.5),
        positives_limit: int = 10,
        negatives_limit: int = 30,
        margin: int = 5,
        reach: int = 40,
        minimum_area: int = 60,
    ) -> None:
        self.size, self.scales = size, scales
        self.positives_limit, self.negatives_limit = positives_limit, negatives_limit
        self.margin, self.reach, self.minimum_area = margin, reach, minimum_area

    def draw(self, sample: Sample, labels: LabelSet, rng: np.random.Generator) -> PartItem | None:
        """See ``PartView``; the guidance is uint8 (2, H, W), localization maps of positive and of negative clicks."""
        image, parsing = random_view(sample, labels, self.size, self.scales, rng)
        part = random_part(parsing, self.minimum_area, rng)
        if part is None:
            return None
        clicks = self.positives(part, rng) + self.negatives(parsing, part, rng)
        guidance = localization_maps(clicks, *self.size, num_labels=2)
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return pixels, torch.from_numpy(part), torch.from_numpy(guidance)

    def positives(self, part: NDArray[np.uint8], rng: np.random.Generator) -> list[Click]:
        """Clicks in the part."""
        inside = cv2.distanceTransform((part == 1).astype(np.uint8), cv2.DIST_L2, 5)
        places = np.flatnonzero(inside > min(self.margin, inside.max() / 2))
        chosen = rng.choice(places, 1 + _few(self.positives_limit - 1, rng))
        return _clicks(chosen, part.shape[1], POSITIVE)

    def negatives(self, parsing: NDArray[np.uint8], part: NDArray[np.uint8], rng: np.random.Generator) -> list[Click]:
        """Clicks outside the part; none where everything is part."""
        count = _few(self.negatives_limit, rng)
        distance = cv2.distanceTransform((part != 1).astype(np.uint8), cv2.DIST_L2, 5)
        around = np.flatnonzero((part == 0) & (distance <= self.reach))
        others = [label for label in np.unique(parsing[part == 0]) if label != IGNORE]
        if not others:
            return []
        nearby = int(rng.binomial(count, 0.5)) if len(around) else 0
        chosen = [rng.choice(around, nearby)] if nearby else []
        for label, times in zip(*np.unique(rng.choice(others, count - nearby), return_counts=True), strict=True):
            chosen.append(rng.choice(np.flatnonzero(parsing == label), times))
        return _clicks(np.concatenate(chosen), parsing.shape[1], NEGATIVE) if chosen else []


def _few(limit: int, rng: np.random.Generator) -> int:
    """A number from 0 to ``limit``, its successor drawn evenly on a log scale."""
    return int(np.exp(rng.uniform(0, np.log(limit + 1)))) - 1 if limit > 0 else 0


def _clicks(places: NDArray[np.intp], width: int, label: int) -> list[Click]:
    return [Click(int(place % width), int(place // width), label) for place in places]
