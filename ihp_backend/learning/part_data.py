"""Training data of networks that find one part at a time: views of single parts and what shows them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from ihp_backend.datasets import ParsingDataset, Sample
from ihp_backend.labels import IGNORE, LabelSet
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.stepwise_data import StepwiseData, Views

PartItem = tuple[Tensor, Tensor, Tensor]
"""image uint8 (3, H, W), part uint8 (H, W) with 1 = part, 0 = not, 255 = ignore, guidance (channels, H, W)"""


class PartView(ABC):
    """Makes a view of one part of a photograph; which part and how it is shown is drawn at random."""

    @abstractmethod
    def draw(self, sample: Sample, labels: LabelSet, rng: np.random.Generator) -> PartItem | None:
        """The view, or None where the photograph shows no part that could be taken."""


class PartViews(Views[PartItem]):
    """Views of single parts; photographs without a part to show are passed over for the next one.

    Args:
        samples, length, seed: see ``Views``.
        view: makes them.
    """

    def __init__(self, samples: ParsingDataset, length: int, view: PartView, seed: int) -> None:
        super().__init__(samples, length, seed)
        self.view = view

    def __getitem__(self, index: int) -> PartItem:
        """Raises ``ValueError`` when no photograph has a part to show."""
        return self._shown(index)[1]

    def id_of(self, index: int) -> str:
        """The id of the photograph that view ``index`` shows."""
        return self._shown(index)[0].id

    def _shown(self, index: int) -> tuple[Sample, PartItem]:
        order, rng = self.drawn(index)
        for photograph in order:
            sample = self.samples[int(photograph)]
            item = self.view.draw(sample, self.samples.labels, rng)
            if item is not None:
                return sample, item
        raise ValueError("data: no photograph has a part large enough to show; lower minimum_area, or check the masks")


class PartData(StepwiseData[PartItem]):
    """Views of single parts for training and validation.

    Args:
        root: folder of the data set.
        view: how a part is shown: ``ClickedPart`` for iDeepLab V3+, ``ExtremePointPart`` for DEXTR.
        dataset: name of the data set, see ``ihp_backend.datasets.DATASETS``.
        steps: training steps; the data last exactly one epoch of that many.
        batch_size: views per step and process.
        validation_parts: number of views of val photographs looked at during training.
        workers: processes that prepare views.
        seed: of views and of what shows the parts.
        options: what is assumed about the data set's files otherwise, see ``ihp_backend.datasets.open_dataset``.

    Raises:
        FileNotFoundError, ValueError: the data set is not there or has no photographs to train on, or a number cannot
            be used.
    """

    def __init__(
        self,
        root: Path,
        view: PartView,
        dataset: str = "ccp",
        steps: int = 4000,
        batch_size: int = 8,
        validation_parts: int = 100,
        workers: int = 1,
        seed: int = 0,
        options: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(root, dataset, steps, batch_size, workers, seed, options)
        require("data", validation_parts=(validation_parts, 0))
        self.view, self.validation_parts = view, validation_parts

    def items(self, samples: ParsingDataset, length: int) -> PartViews:
        """Random views of single parts."""
        return PartViews(samples, length, self.view, self.seed)

    def val_dataloader(self) -> DataLoader[PartItem]:
        """Views of the val photographs, the same ones every time."""
        return DataLoader(PartViews(self.samples("val"), self.validation_parts, self.view, self.seed), self.batch_size)


def random_part(parsing: NDArray[np.uint8], minimum_area: int, rng: np.random.Generator) -> NDArray[np.uint8] | None:
    """A random part of ``minimum_area`` pixels or more, uint8 (height, width), 255 = ignore; None if there is none."""
    areas = np.bincount(parsing.ravel(), minlength=256)
    areas[[0, IGNORE]] = 0
    large = np.flatnonzero(areas >= max(minimum_area, 1))
    if len(large) == 0:
        return None
    return np.where(parsing == IGNORE, IGNORE, parsing == rng.choice(large)).astype(np.uint8)
