"""Network: a model folder's network, asked in the labels of an annotation; between Parser and Engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing.answer import Answer
from ihp_backend.parsing.arrays import PlaceArray, as_they_are


class Network(ABC):
    """Knows how an engine is asked. Safe to share between threads."""

    @abstractmethod
    def encode(self, working: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Any:
        """Features that need no clicks, from a padded working image uint8 (H, W, 3); ``place``: see ``Parser.open``."""

    @abstractmethod
    def ask(self, features: Any, clicks: Sequence[Click], previous: NDArray[np.uint8] | None) -> Answer:
        """The answer to all clicks of a photograph.

        Args:
            features: from ``encode``.
            clicks: in working pixels with labels of the annotation, oldest first.
            previous: uint8 (H, W), the parsing so far in labels of the annotation, 255 where there is none; or None.
        """
