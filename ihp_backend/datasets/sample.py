"""Sample: what every data set yields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import LabelSet


@dataclass(frozen=True)
class Sample:
    """A photograph with its parsing.

    Attributes:
        image: uint8 (height, width, 3), RGB.
        parsing: uint8 (height, width), label ids, 255 = ignore.
        id: name of the sample inside its data set.
    """

    image: NDArray[np.uint8]
    parsing: NDArray[np.uint8]
    id: str


class ParsingDataset(Protocol):
    """A sequence of samples that share a label set."""

    @property
    def labels(self) -> LabelSet:
        """Label set in which the ids of a parsing are meant."""

    @property
    def ids(self) -> Sequence[str]:
        """Names of the samples, in order."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``SampleError`` when its files are faulty."""

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError`` when the mask is faulty."""


class StoredDataset(ParsingDataset, Protocol):
    """A data set as it is found on a disk, which says what it had to assume about its files."""

    @property
    def assumptions(self) -> Mapping[str, str]:
        """Assumptions about the files and their evidence, by the name of the option that says otherwise."""

    @property
    def if_empty(self) -> str:
        """Advice for a data set without samples."""


def counted(left_out: Mapping[str, str], most: int = 10) -> str:
    """Reasons why things are left out, each with how often it is given, the most frequent first.

    Examples:
        >>> counted({"1": "skipped", "2": "not annotated", "3": "skipped"})
        '2 skipped, 1 not annotated'
    """
    reasons = Counter(left_out.values())
    named = [f"{count} {reason}" for reason, count in reasons.most_common(most)]
    rest = len(left_out) - sum(count for _, count in reasons.most_common(most))
    return ", ".join([*named, *([f"{rest} for other reasons"] if rest else [])])


class SampleError(ValueError):
    """The files of one sample cannot be used.

    Attributes:
        file: which file.
        value: what was found there.
        remedy: what to do about it.
    """

    def __init__(self, file: object, value: str, remedy: str) -> None:
        super().__init__(f"{file}: {value}; {remedy}")
        self.file, self.value, self.remedy = str(file), value, remedy

    def __reduce__(self) -> tuple[type[SampleError], tuple[str, str, str]]:
        # Processes that load data hand it on; pickle would otherwise call it with the whole sentence alone.
        return type(self), (self.file, self.value, self.remedy)


def check_same_size(mask: tuple[int, ...], photograph: tuple[int, ...], mask_file: Path, photograph_file: Path) -> None:
    """Raises ``SampleError`` when two array shapes (height, width, ...) are of different sizes."""
    if mask[:2] != photograph[:2]:
        raise SampleError(
            mask_file,
            f"{mask[1]} x {mask[0]} pixels, but {photograph_file.name} has {photograph[1]} x {photograph[0]}",
            "give both in the same size",
        )
