"""Sample: what every data set yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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

    labels: LabelSet
    ids: Sequence[str]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...
