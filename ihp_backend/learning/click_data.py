"""Training data for click networks: random views with simulated clicks, reproducible from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

from ihp_backend.clicks import Click, central_clicks, localization_maps, random_clicks
from ihp_backend.datasets import CcpDataset, ParsingDataset
from ihp_backend.learning.augmentation import pad_to_multiple, random_view

Item = tuple[Tensor, Tensor, Tensor]
"""image uint8 (3, H, W), parsing uint8 (H, W), localization maps uint8 (num_labels, H, W)"""


@dataclass(frozen=True)
class ClickRecipe:
    """How an annotator of the training set clicks.

    Attributes:
        without: share of samples without any click, from which the network learns to start by itself.
        extra: share of samples with random clicks besides the central ones (IHP, III-C).
        extra_limit: largest number of random clicks (the paper's EC-Num).
        minimum_area: components smaller than this many pixels get no central click.
    """

    without: float = 0.1
    extra: float = 0.5
    extra_limit: int = 15
    minimum_area: int = 60

    def draw(self, parsing: np.ndarray, rng: np.random.Generator) -> list[Click]:
        """The clicks of one simulated annotator on ``parsing``."""
        if rng.random() < self.without:
            return []
        clicks = central_clicks(parsing, rng, minimum_area=self.minimum_area)
        if rng.random() < self.extra:
            clicks += random_clicks(parsing, rng, int(rng.integers(1, self.extra_limit + 1)))
        return clicks


class ClickedViews(Dataset[Item]):
    """An endless training set cut to ``length`` items; item n depends on the seed and n alone."""

    def __init__(
        self,
        samples: ParsingDataset,
        length: int,
        size: tuple[int, int],
        scales: tuple[float, float],
        clicks: ClickRecipe,
        seed: int,
    ) -> None:
        self.samples, self.length, self.size, self.scales = samples, length, size, scales
        self.clicks, self.seed = clicks, seed

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Item:
        epoch, position = divmod(index, len(self.samples))
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.samples))
        rng = np.random.default_rng([self.seed, epoch, position])
        sample = self.samples[int(order[position])]
        image, parsing = random_view(sample, self.samples.labels, self.size, self.scales, rng)
        return to_item(image, parsing, self.clicks.draw(parsing, rng), len(self.samples.labels))


class CentralViews(Dataset[Item]):
    """Validation: whole photographs with central clicks, padded to a common multiple."""

    def __init__(self, samples: ParsingDataset, multiple: int, minimum_area: int, seed: int) -> None:
        self.samples, self.multiple, self.minimum_area, self.seed = samples, multiple, minimum_area, seed

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        rng = np.random.default_rng([self.seed, index])
        sample = self.samples[index]
        clicks = central_clicks(sample.parsing, rng, minimum_area=self.minimum_area)
        padded = pad_to_multiple(sample.image, sample.parsing, self.multiple)
        return to_item(*padded, clicks, len(self.samples.labels))


class ClickData(LightningDataModule):
    """CCP views for training and whole CCP photographs for validation.

    Args:
        root: folder of the data set.
        steps: training steps; the data last exactly one epoch of that many.
        batch_size: views per step.
        size: (height, width) of a view; multiples of the network's stride.
        scales: smallest and largest scale of a view.
        clicks: how the simulated annotators click.
        validation_photographs: number of val photographs looked at during training (the first ones).
        workers: processes that prepare views.
        seed: of views and clicks.
    """

    def __init__(
        self,
        root: Path,
        steps: int = 4000,
        batch_size: int = 8,
        size: tuple[int, int] = (320, 192),
        scales: tuple[float, float] = (0.5, 1.5),
        clicks: ClickRecipe = ClickRecipe(),
        validation_photographs: int = 40,
        workers: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.root, self.steps, self.batch_size, self.size, self.scales = root, steps, batch_size, size, scales
        self.clicks, self.validation_photographs, self.workers, self.seed = (
            clicks,
            validation_photographs,
            workers,
            seed,
        )

    def train_dataloader(self) -> DataLoader[Item]:
        """Batches of views, in an order fixed by the seed."""
        samples = CcpDataset(self.root, "train")
        length = self.steps * self.batch_size
        views = ClickedViews(samples, length, self.size, self.scales, self.clicks, self.seed)
        return DataLoader(views, self.batch_size, num_workers=self.workers, persistent_workers=self.workers > 0)

    def val_dataloader(self) -> DataLoader[Item]:
        """Single whole photographs with central clicks."""
        samples = CcpDataset(self.root, "val")
        views = CentralViews(samples, 32, self.clicks.minimum_area, self.seed)
        return DataLoader(Subset(views, range(min(self.validation_photographs, len(samples)))), num_workers=0)

    def label_frequency(self) -> Tensor:
        """Share of training pixels per label, float (num_labels,)."""
        samples = CcpDataset(self.root, "train")
        counts = np.zeros(256, np.int64)
        for index in range(len(samples)):
            counts += np.bincount(samples.parsing(index).ravel(), minlength=256)
        known = counts[: len(samples.labels)]
        return torch.from_numpy(known / known.sum()).float()


def to_item(image: np.ndarray, parsing: np.ndarray, clicks: list[Click], num_labels: int) -> Item:
    """Tensors of one view and its clicks."""
    height, width = parsing.shape
    maps = localization_maps(clicks, height, width, num_labels)
    return torch.from_numpy(image.transpose(2, 0, 1).copy()), torch.from_numpy(parsing), torch.from_numpy(maps)
