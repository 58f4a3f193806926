"""ClickParser: what can be measured under simulated clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parse
from ihp_backend.parsing.last_answer import LastAnswer


class ClickParser(Protocol):
    """Turns a photograph and clicks into a label map, as ``ihp_backend.parsing.Parser`` does.

    Attributes:
        labels: the label set that clicks and label maps speak.
        version: name under which figures are kept; records of another version are not mixed with them.
    """

    labels: LabelSet
    version: str

    def open(self, image: NDArray[np.uint8]) -> Any:
        """Prepares a photograph, uint8 (height, width, 3) RGB; gives the scene that ``parse`` takes."""

    def parse(
        self,
        scene: Any,
        clicks: Sequence[Click],
        previous: NDArray[np.uint8] | None = None,
        last: LastAnswer | None = None,
    ) -> Parse:
        """The parsing with all ``clicks``, oldest first; see ``Parser.parse``."""


def check_labels(spoken: LabelSet, wanted: LabelSet) -> None:
    """Refuses to measure a model on data with other labels.

    Args:
        spoken: the model's labels.
        wanted: the data set's.

    Raises:
        ValueError: they differ.
    """
    if spoken.names != wanted.names:
        raise ValueError(
            f"labels: the model speaks {', '.join(spoken.names)}; the data set has "
            f"{', '.join(wanted.names)}; measure it on data with its own labels"
        )
