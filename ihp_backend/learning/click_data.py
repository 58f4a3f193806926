"""Training and validation data of click networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from ihp_backend.datasets import open_dataset
from ihp_backend.labels import LabelSet
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.click_views import CentralViews, ClickedViews, Item, ResumableOrder

CLICKS = ClickRecipe()


class ClickData(LightningDataModule):
    """Views of a data set for training, whole photographs of it for validation.

    An interrupted training goes on with the very views it would have seen next.

    Args:
        root: folder of the data set.
        dataset: its name, see ``ihp_backend.datasets.DATASETS``.
        steps: training steps; the data last exactly one epoch of that many.
        batch_size: views per step and process.
        size: (height, width) of a view.
        scales: smallest and largest scale of a view.
        clicks: how the simulated annotators click.
        validation_photographs: number of val photographs looked at during training (the first ones).
        workers: processes that prepare views.
        seed: of views and clicks.

    Raises:
        FileNotFoundError, ValueError: the data set is not there or has no photographs to train on.
    """

    def __init__(
        self,
        root: Path,
        dataset: str = "ccp",
        steps: int = 4000,
        batch_size: int = 8,
        size: tuple[int, int] = (320, 192),
        scales: tuple[float, float] = (0.5, 1.5),
        clicks: ClickRecipe = CLICKS,
        validation_photographs: int = 40,
        workers: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.root, self.dataset, self.steps, self.batch_size = root, dataset, steps, batch_size
        self.size, self.scales, self.clicks = size, scales, clicks
        self.validation_photographs, self.workers, self.seed = validation_photographs, workers, seed

    def prepare_data(self) -> None:
        """Opens both splits, so that trouble with the data shows before anything is trained."""
        for split in ("train", "val"):
            open_dataset(self.dataset, self.root, split)

    @property
    def labels(self) -> LabelSet:
        """The data set's labels."""
        return open_dataset(self.dataset, self.root, "train").labels

    def train_dataloader(self) -> DataLoader[Item]:
        """Batches of views, in an order fixed by the seed."""
        samples = open_dataset(self.dataset, self.root, "train")
        rank, world, step = 0, 1, 0
        if self.trainer is not None:
            rank, world, step = self.trainer.global_rank, self.trainer.world_size, self.trainer.global_step
        length = self.steps * self.batch_size * world
        views = ClickedViews(samples, length, self.size, self.scales, self.clicks, self.seed)
        order = ResumableOrder(length, step * self.batch_size * world, rank, world)
        return DataLoader(
            views, self.batch_size, sampler=order, num_workers=self.workers, persistent_workers=self.workers > 0
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """Single whole photographs with central clicks."""
        samples = open_dataset(self.dataset, self.root, "val")
        views = CentralViews(samples, self.clicks, self.seed)
        return DataLoader(Subset(views, range(min(self.validation_photographs, len(samples)))), num_workers=0)

    def label_frequency(self) -> Tensor:
        """Share of training pixels per label, float (num_labels,)."""
        samples = open_dataset(self.dataset, self.root, "train")
        counts = np.zeros(256, np.int64)
        for index in range(len(samples)):
            counts += np.bincount(samples.parsing(index).ravel(), minlength=256)
        known = counts[: len(samples.labels)]
        return torch.from_numpy(known / known.sum()).float()
