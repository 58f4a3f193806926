"""WithoutLabels: a data set as if some of its labels had never been drawn."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets.sample import ParsingDataset, Sample
from ihp_backend.labels import IGNORE, LabelSet


class WithoutLabels:
    """Leaves labels out; what they covered is ignored, and the ids of the others move up.

    Args:
        dataset: the whole data set.
        names: labels to leave out.

    Raises:
        ValueError: the data set has no such label, or it is the background.
    """

    def __init__(self, dataset: ParsingDataset, names: Collection[str]) -> None:
        self._dataset = dataset
        self.labels: LabelSet
        self.labels, table = dataset.labels.without(names)
        self.ids: Sequence[str] = dataset.ids
        self._table = np.full(256, IGNORE, np.uint8)
        self._table[: len(table)] = table

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``SampleError``."""
        sample = self._dataset[index]
        return Sample(sample.image, self._table[sample.parsing], sample.id)

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError``."""
        return self._table[self._dataset.parsing(index)]
