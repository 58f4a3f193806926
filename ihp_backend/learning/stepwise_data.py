"""Training data that last a given number of steps and can be resumed at any of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, Subset

from ihp_backend.datasets import ParsingDataset, open_dataset
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.hyperparameters import require

Item = TypeVar("Item")


class ResumableOrder(Sampler[int]):
    """The numbers 0, 1, 2, ... of which an interrupted training has already seen the first ones.

    Args:
        length: how many there are in all; ``len`` keeps counting those that were seen, as the trainer does.
        start: how many were seen.
        rank, world: of ``world`` processes this one takes every ``world``-th number, from ``rank`` on.
    """

    def __init__(self, length: int, start: int = 0, rank: int = 0, world: int = 1) -> None:
        self.length, self.start, self.rank, self.world = length, start, rank, world

    def __len__(self) -> int:
        return self.length // self.world

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start + self.rank, self.length, self.world))


class Views(Dataset[Item]):
    """An endless training set cut to ``length`` views; view n depends on the seed and n alone.

    Args:
        samples: photographs with their parsings; every one comes once before any comes again.
        length: number of views.
        seed: of the order and of the views.
    """

    def __init__(self, samples: ParsingDataset, length: int, seed: int) -> None:
        self.samples, self.length, self.seed = samples, length, seed

    def __len__(self) -> int:
        return self.length

    def drawn(self, index: int) -> tuple[NDArray[np.intp], np.random.Generator]:
        """The photographs from that of view ``index`` on, in the order of its epoch, and what the view is drawn by."""
        epoch, position = divmod(index, len(self.samples))
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.samples))
        return np.roll(order, -position), np.random.default_rng([self.seed, epoch, position])

    def id_of(self, index: int) -> str:
        """The id of the photograph of view ``index``."""
        return self.samples.ids[int(self.drawn(index)[0][0])]


class StepwiseData(LightningDataModule, Generic[Item]):
    """A data set for one epoch of so many steps; an interrupted training sees the very items it would have seen next.

    Args:
        root: folder of the data set.
        dataset: its name, see ``ihp_backend.datasets.DATASETS``.
        steps: training steps.
        batch_size: items per step and process.
        workers: processes that prepare items.
        seed: of the items.
        options: what is assumed about its files otherwise, see ``ihp_backend.datasets.open_dataset``.

    Raises:
        ValueError: one of the numbers is too small.
    """

    def __init__(
        self,
        root: Path,
        dataset: str,
        steps: int,
        batch_size: int,
        workers: int,
        seed: int,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.options = options
        require("data", steps=(steps, 1), batch_size=(batch_size, 1), workers=(workers, 0), seed=(seed, 0))
        self.root, self.dataset, self.steps, self.batch_size = root, dataset, steps, batch_size
        self.workers, self.seed = workers, seed

    @abstractmethod
    def items(self, samples: ParsingDataset, length: int) -> Views[Item]:
        """``length`` training items, of which number n depends on the seed and n alone."""

    def samples(self, split: str) -> ParsingDataset:
        """A split of the data set.

        Raises:
            FileNotFoundError, ValueError: it is not there or has no photographs.
        """
        return open_dataset(self.dataset, self.root, split, self.options)

    def assumptions(self) -> Mapping[str, str]:
        """Assumptions about the files of the train split, by the option that says otherwise."""
        return open_dataset(self.dataset, self.root, "train", self.options).assumptions

    @cached_property
    def labels(self) -> LabelSet:
        """The data set's labels; every checkpoint and picture asks for them, so the data set is opened only once."""
        return self.samples("train").labels

    def prepare_data(self) -> None:
        """Opens both splits, so that trouble with the data shows before anything is trained.

        Raises:
            FileNotFoundError, ValueError: see ``samples``; or a split shows nothing.
        """
        for split in ("train", "val"):
            samples = self.samples(split)
            # A network that is to learn needs parts, one that is judged any label.
            nothing = [0, IGNORE] if split == "train" else [IGNORE]
            # The first photograph answers, unless something is wrong.
            if all(np.isin(samples.parsing(index), nothing).all() for index in range(len(samples))):
                holds = "background (0) or to be ignored (255)" if split == "train" else "to be ignored (255)"
                raise ValueError(
                    f"data.root: every pixel of {split} of {self.dataset} in {self.root} is {holds}; check the masks, "
                    "and data.left_out if it is given"
                )

    def train_dataloader(self) -> DataLoader[Item]:
        """Batches in an order fixed by the seed, from the step on at which the trainer is."""
        rank, world = self.share()
        step = self.trainer.global_step if self.trainer is not None else 0
        views = self.views()
        return DataLoader(
            views,
            self.batch_size,
            sampler=ResumableOrder(len(views), step * self.batch_size * world, rank, world),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def ids_of(self, step: int) -> list[str]:
        """The ids of the photographs that this process looks at in a step."""
        (rank, world), views = self.share(), self.views()
        first = step * self.batch_size * world + rank
        return [views.id_of(first + number * world) for number in range(self.batch_size)]

    def views(self) -> Views[Item]:
        """All views of the training, in order."""
        return self.items(self.samples("train"), self.steps * self.batch_size * self.share()[1])

    def first_of(self, photographs: Dataset[Item], count: int) -> DataLoader[Item]:
        """This process's share of the first ``count`` photographs of a validation, one by one."""
        rank, world = self.share()
        chosen = range(min(count, len(photographs)))[rank::world]  # type: ignore[arg-type]
        return DataLoader(Subset(photographs, chosen), num_workers=0)

    def share(self) -> tuple[int, int]:
        """The rank of this process, and the number of processes that train together."""
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def label_frequency(self) -> Tensor:
        """Share of training pixels per label, float (num_labels,)."""
        samples = self.samples("train")
        counts = np.zeros(256, np.int64)
        for index in range(len(samples)):
            counts += np.bincount(samples.parsing(index).ravel(), minlength=256)
        known = counts[: len(samples.labels)]
        return torch.from_numpy(known / known.sum()).float()
