"""Training data of DEXTR: crops around a part with Gaussians at its extreme points (Maninis et al., CVPR 2018)."""

from __future__ import annotations

import numpy as np
import torch

from ihp_backend.datasets import Sample
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.augmentation import random_light
from ihp_backend.learning.part_data import PartItem, PartView, random_part
from ihp_backend.networks.extreme_points import PAPER_VIEW, ExtremePointView, extreme_points


class ExtremePointPart(PartView):
    """The crop around one of a photograph's parts, mirrored half of the time.

    Args:
        view: how the network looks at a part; give the same for evaluation.
        jitter: by how many image pixels an extreme point may be off in either direction.
        minimum_area: parts with fewer pixels are not taken.
    """

    def __init__(self, view: ExtremePointView = PAPER_VIEW, jitter: int = 5, minimum_area: int = 60) -> None:
        self.view, self.jitter, self.minimum_area = view, jitter, minimum_area

    def draw(self, sample: Sample, labels: LabelSet, rng: np.random.Generator) -> PartItem | None:
        """See ``PartView``; the guidance is float32 (1, side, side), Gaussians at the extreme points."""
        part = random_part(sample.parsing, self.minimum_area, rng)
        if part is None:
            return None
        crop, image, gaussians = self.view.look(sample.image, extreme_points(part == 1, rng, self.jitter))
        # One part has no left and right to exchange, so the finished crop may be mirrored.
        columns = slice(None, None, -1 if rng.random() < 0.5 else 1)
        pixels = random_light(image, rng).transpose(2, 0, 1)[..., columns]
        shown = crop.view_parsing(part, IGNORE)[:, columns]
        guidance = gaussians[None, :, columns]
        return torch.from_numpy(pixels.copy()), torch.from_numpy(shown.copy()), torch.from_numpy(guidance.copy())
