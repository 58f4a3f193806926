"""Training and validation data of automatic parsers: views without clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ihp_backend.datasets import ParsingDataset
from ihp_backend.learning.augmentation import pad_to_multiple, random_view, rescale
from ihp_backend.learning.click_views import MULTIPLE
from ihp_backend.learning.hyperparameters import require, require_views
from ihp_backend.learning.stepwise_data import StepwiseData, Views

Item = tuple[Tensor, Tensor]
"""image uint8 (3, H, W), parsing uint8 (H, W)"""


class ParserViews(Views[Item]):
    """Random views without clicks.

    Args:
        samples, length, seed: see ``Views``.
        size: (height, width) of a view, before it is padded to a multiple of ``MULTIPLE``.
        scales, rotation, colours: see ``random_view``.
        repeat_below: see ``AutomaticData``.
    """

    def __init__(
        self,
        samples: ParsingDataset,
        length: int,
        seed: int,
        size: tuple[int, int],
        scales: tuple[float, float],
        rotation: float,
        colours: bool,
        repeat_below: float = 0.0,
    ) -> None:
        super().__init__(samples, length, seed)
        self.size, self.scales, self.rotation, self.colours = size, scales, rotation, colours
        self.chances = repeat_chances(samples, repeat_below) if repeat_below else None

    def drawn(self, index: int) -> tuple[NDArray[np.intp], np.random.Generator]:
        """See ``Views``; where some photographs come more often than others, each by its chance."""
        if self.chances is None:
            return super().drawn(index)
        rng = np.random.default_rng([self.seed, index])
        return rng.choice(len(self.chances), 1, p=self.chances), rng

    def __getitem__(self, index: int) -> Item:
        order, rng = self.drawn(index)
        sample = self.samples[int(order[0])]
        view = random_view(
            sample, self.samples.labels, self.size, self.scales, rng, rotation=self.rotation, colours=self.colours
        )
        return to_item(*view)


def repeat_chances(samples: ParsingDataset, below: float) -> NDArray[np.float64]:
    """The chance of each photograph, float64 (photographs,), by the rarest of its labels (Gupta et al., LVIS, 2019).

    A label that a share f of the photographs has is repeated max(1, sqrt(below / f)) times, a photograph as often as
    the label that is repeated most.
    """
    labels = len(samples.labels)
    counts = (np.bincount(samples.parsing(index).ravel(), minlength=256)[:labels] for index in range(len(samples)))
    has = np.array([count > 0 for count in counts])
    share = np.maximum(has.mean(0), 1 / len(samples))
    repeats = np.where(has, np.maximum(np.sqrt(below / share), 1), 1).max(1)
    return np.asarray(repeats / repeats.sum())


class WholePhotographs(Dataset[Item]):
    """Validation: the first photographs whole, at one scale."""

    def __init__(self, samples: ParsingDataset, scale: float) -> None:
        self.samples, self.scale = samples, scale

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        sample = self.samples[index]
        return to_item(*rescale(sample.image, sample.parsing, self.scale))


def to_item(image: NDArray[np.uint8], parsing: NDArray[np.uint8]) -> Item:
    """Tensors of a view, padded to a multiple of ``MULTIPLE``."""
    image, parsing = pad_to_multiple(image, parsing, MULTIPLE)
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), torch.from_numpy(parsing)


class AutomaticData(StepwiseData[Item]):
    """Views of a data set for training, whole photographs of it for validation.

    Args:
        root, dataset, steps, batch_size, workers, seed, options: see ``StepwiseData``.
        size: (height, width) of a view.
        scales: smallest and largest scale of a view.
        rotation, colours: see ``random_view``.
        repeat_below: photographs with labels that fewer than this share of the photographs have come more often, see
            ``repeat_chances``; 0: all come once before any comes again.
        validation_photographs: number of val photographs looked at during training (the first ones).
        validation_scale: their scale; that at which the network will work.

    Raises:
        FileNotFoundError, ValueError: the data set is not there or has no photographs to train on, or a number cannot
            be used.
    """

    def __init__(
        self,
        root: Path,
        dataset: str = "ccp",
        steps: int = 4000,
        batch_size: int = 8,
        size: tuple[int, int] = (320, 192),
        scales: tuple[float, float] = (0.5, 1.5),
        rotation: float = 0.0,
        colours: bool = True,
        repeat_below: float = 0.0,
        validation_photographs: int = 40,
        validation_scale: float = 1.0,
        workers: int = 1,
        seed: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, dataset, steps, batch_size, workers, seed, options)
        require_views(size, scales, validation_photographs, validation_scale)
        require("data", rotation=(rotation, 0, 180), repeat_below=(repeat_below, 0, 1))
        self.size, self.scales, self.rotation, self.colours = size, scales, rotation, colours
        self.repeat_below = repeat_below
        self.validation_photographs, self.validation_scale = validation_photographs, validation_scale

    def items(self, samples: ParsingDataset, length: int) -> ParserViews:
        """Random views."""
        return ParserViews(
            samples, length, self.seed, self.size, self.scales, self.rotation, self.colours, self.repeat_below
        )

    def val_dataloader(self) -> DataLoader[Item]:
        """This process's share of the single whole photographs."""
        return self.first_of(WholePhotographs(self.samples("val"), self.validation_scale), self.validation_photographs)
