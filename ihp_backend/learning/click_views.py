"""Views: pieces of photographs with simulated clicks, as tensors; each depends on a seed and its number alone."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.datasets import ParsingDataset
from ihp_backend.learning.augmentation import pad_to_multiple, random_view, rescale
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.stepwise_data import Views

Item = tuple[Tensor, Tensor, Tensor]
"""image uint8 (3, H, W), parsing uint8 (H, W), localization maps uint8 (labels, H, W)"""


MULTIPLE = 32
"""Height and width of what a network is given are multiples of this; what is added is ignored in the parsing."""


class ClickedViews(Views[Item]):
    """Random views; the clicks are made on the finished view.

    Args:
        samples, length: see ``Views``.
        size: (height, width) of a view, before it is padded to a multiple of ``MULTIPLE``.
        scales: smallest and largest scale.
        clicks: how the annotators click.
        seed: of views and clicks.
    """

    def __init__(
        self,
        samples: ParsingDataset,
        length: int,
        size: tuple[int, int],
        scales: tuple[float, float],
        clicks: ClickRecipe,
        seed: int,
    ) -> None:
        super().__init__(samples, length, seed)
        self.size, self.scales, self.clicks = size, scales, clicks

    def __getitem__(self, index: int) -> Item:
        order, rng = self.drawn(index)
        sample = self.samples[int(order[0])]
        view = random_view(sample, self.samples.labels, self.size, self.scales, rng)
        image, parsing = pad_to_multiple(*view, MULTIPLE)
        return to_item(image, parsing, self.clicks.draw(parsing, rng), len(self.samples.labels))


class CentralViews(Dataset[Item]):
    """Validation: whole photographs with central clicks, padded to a common multiple.

    Args:
        samples: photographs with their parsings.
        scale: at which the network works.
        clicks: whose central clicks are taken.
        seed: of the clicks.
    """

    def __init__(self, samples: ParsingDataset, scale: float, clicks: ClickRecipe, seed: int) -> None:
        self.samples, self.scale, self.clicks, self.seed = samples, scale, clicks, seed

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng([self.seed, index])
        sample = self.samples[index]
        image, parsing = rescale(sample.image, sample.parsing, self.scale)
        clicks = self.clicks.draw_central(parsing, rng)
        return to_item(*pad_to_multiple(image, parsing, MULTIPLE), clicks, len(self.samples.labels))


def to_item(image: NDArray[np.uint8], parsing: NDArray[np.uint8], clicks: list[Click], num_labels: int) -> Item:
    """Tensors of one view and its clicks."""
    height, width = parsing.shape
    maps = localization_maps(clicks, height, width, num_labels)
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(parsing), torch.from_numpy(maps)
