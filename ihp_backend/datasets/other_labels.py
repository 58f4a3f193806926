"""A data set in other labels than its own: without some of them, or as a project asks for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets.sample import ParsingDataset, Sample
from ihp_backend.labels import IGNORE, LabelSet, is_background, map_labels


class OtherLabels:
    """A data set whose labels become others.

    Args:
        dataset: the whole data set.
        labels: what they become.
        table: the id among ``labels`` of each of the data set's, ``IGNORE`` for what is to be ignored.
    """

    def __init__(self, dataset: ParsingDataset, labels: LabelSet, table: Sequence[int]) -> None:
        self._dataset = dataset
        self.labels: LabelSet = labels
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


def without_labels(dataset: ParsingDataset, names: Collection[str]) -> OtherLabels:
    """A data set as if some of its labels had never been drawn: their pixels are ignored, the other ids move up.

    Raises:
        ValueError: the data set has no such label, or it is the background.
    """
    return OtherLabels(dataset, *dataset.labels.without(names))


def in_labels_of_project(dataset: ParsingDataset, names: Sequence[str]) -> OtherLabels:
    """A data set as a project with these labels would draw it: "shoes" for both, background for what it lacks.

    Args:
        dataset: the whole data set.
        names: the project's labels; the data set's become these as ``map_labels`` says.

    Raises:
        ValueError: one of them is nothing that the data set has.
    """
    labels = LabelSet(("background", *(name for name in names if not is_background(name))))
    mapping = map_labels(labels.names, dataset.labels)
    if mapping.unknown:
        raise ValueError(
            f"labels: the data set has no {', '.join(map(repr, mapping.unknown))}; it has "
            f"{', '.join(dataset.labels.names)}"
        )
    table = [0] * len(dataset.labels)
    for label, name in enumerate(labels.names):
        for own in mapping.ids[name]:
            table[own] = label
    return OtherLabels(dataset, labels, table)
