"""Base data: the data set of the base model, where it is at hand, to learn from again and to be judged on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import ParsingDataset, Sample, open_dataset

MOST_JUDGED, MOST_REPLAYED = 40, 120
"""Photographs."""


class Some:
    """A number of photographs of a data set, spread evenly over it."""

    def __init__(self, dataset: ParsingDataset, most: int) -> None:
        self._dataset = dataset
        self._chosen = np.linspace(0, len(dataset) - 1, min(most, len(dataset))).round().astype(int).tolist()
        self.labels = dataset.labels
        self.ids = [dataset.ids[number] for number in self._chosen]

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``."""
        return self._dataset[self._chosen[index]]

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width)."""
        return self._dataset.parsing(self._chosen[index])


@dataclass(frozen=True)
class Base:
    """A data set of the base model.

    Attributes:
        replayed: photographs of its train split, to learn from again.
        judged: photographs of its val split, on which no version may get worse.
    """

    replayed: ParsingDataset
    judged: ParsingDataset


def open_base(named: str | None) -> Base | None:
    """The data set called "NAME:FOLDER".

    Raises:
        ValueError: the name is none, or the data set is not there.
    """
    if named is None:
        return None
    name, separator, folder = named.partition(":")
    if not separator:
        raise ValueError(f"base: {named!r} is no NAME:FOLDER of a data set, for example ccp:/data/ccp")
    try:
        train, val = (open_dataset(name, Path(folder), split) for split in ("train", "val"))
    except FileNotFoundError as error:
        raise ValueError(f"base: {error}") from None
    return Base(Some(train, MOST_REPLAYED), Some(val, MOST_JUDGED))
