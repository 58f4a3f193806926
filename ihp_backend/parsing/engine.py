"""Engine: runs a model folder's network; everything around it (sizes, clicks, label maps) is the Parser's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import AnswerError


class Engine(ABC):
    """Runs one network. Safe to share between threads."""

    @abstractmethod
    def encode(self, image: NDArray[np.uint8]) -> Any:
        """What can be computed before clicks are known, from a padded working image uint8 (H, W, 3)."""

    @abstractmethod
    def decode(self, features: Any, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 (num_labels, h, w) for localization maps uint8 (num_labels, H, W).

        Raises:
            AnswerError: they are not finite.
        """


def finite(what: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values; raises ``AnswerError`` if one is NaN or infinite, since their argmax would be a label like any."""
    if not np.isfinite(values).all():
        raise AnswerError(what)
    return values
