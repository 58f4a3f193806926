"""Training and validation data of automatic parsers: views without clicks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ihp_backend.datasets import ParsingDataset
from ihp_backend.labels import IGNORE
from ihp_backend.learning.augmentation import PADDING, mirror, pad_to_multiple, random_crop, random_light, rescale
from ihp_backend.learning.click_views import MULTIPLE
from ihp_backend.learning.hyperparameters import require, require_positive
from ihp_backend.learning.stepwise_data import StepwiseData, Views

Item = tuple[Tensor, Tensor]
"""image uint8 (3, H, W), parsing uint8 (H, W)"""


class ParserViews(Views[Item]):
    """Random views: scaled, rotated, cropped, mirrored, lit.

    Args:
        samples, length, seed: see ``Views``.
        size: (height, width) of a view, before it is padded to a multiple of ``MULTIPLE``.
        scales: smallest and largest scale, drawn evenly on a log scale.
        rotation: largest angle in degrees; six in ten views are rotated (as in SCHP's published code).
        colours: whether brightness, contrast and colours change.
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
    ) -> None:
        super().__init__(samples, length, seed)
        self.size, self.scales, self.rotation, self.colours = size, scales, rotation, colours

    def __getitem__(self, index: int) -> Item:
        order, rng = self.drawn(index)
        sample = self.samples[int(order[0])]
        image, parsing = rescale(sample.image, sample.parsing, float(np.exp(rng.uniform(*np.log(self.scales)))))
        if self.rotation and rng.random() < 0.6:
            image, parsing = rotated(image, parsing, float(rng.uniform(-self.rotation, self.rotation)))
        image, parsing = random_crop(image, parsing, self.size, rng)
        if rng.random() < 0.5:
            image, parsing = mirror(image, parsing, self.samples.labels)
        if self.colours:
            image = random_light(image, rng)
        return to_item(image, parsing)


class WholePhotographs(Dataset[Item]):
    """Validation: the first photographs whole, at one scale."""

    def __init__(self, samples: ParsingDataset, scale: float) -> None:
        self.samples, self.scale = samples, scale

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        sample = self.samples[index]
        return to_item(*rescale(sample.image, sample.parsing, self.scale))


def rotated(
    image: NDArray[np.uint8], parsing: NDArray[np.uint8], degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both turned about their middle; corners that were not there are grey, and ignored in the parsing."""
    height, width = parsing.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    turned = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderValue=(PADDING,) * 3)
    parsed = cv2.warpAffine(parsing, turn, (width, height), flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    return turned.astype(np.uint8, copy=False), parsed.astype(np.uint8, copy=False)


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
        rotation, colours: see ``ParserViews``.
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
        validation_photographs: int = 40,
        validation_scale: float = 1.0,
        workers: int = 1,
        seed: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, dataset, steps, batch_size, workers, seed, options)
        require("data.size", height=(size[0], 1), width=(size[1], 1))
        require_positive("data.scales", smallest=scales[0])
        require("data.scales", largest=(scales[1], scales[0]))
        require("data", rotation=(rotation, 0, 180), validation_photographs=(validation_photographs, 0))
        require_positive("data", validation_scale=validation_scale)
        self.size, self.scales, self.rotation, self.colours = size, scales, rotation, colours
        self.validation_photographs, self.validation_scale = validation_photographs, validation_scale

    def items(self, samples: ParsingDataset, length: int) -> ParserViews:
        """Random views."""
        return ParserViews(samples, length, self.seed, self.size, self.scales, self.rotation, self.colours)

    def val_dataloader(self) -> DataLoader[Item]:
        """This process's share of the single whole photographs."""
        samples, (rank, world) = self.samples("val"), self.share()
        chosen = range(min(self.validation_photographs, len(samples)))[rank::world]
        photographs = WholePhotographs(samples, self.validation_scale)
        return DataLoader(photographs, sampler=list(chosen), num_workers=0)
