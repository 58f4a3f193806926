"""BatchLimits: how much a request for pre-annotations may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ihp_backend.label_studio.whole_numbers import Limits


@dataclass(frozen=True)
class BatchLimits(Limits):
    """Limits of a batch.

    Attributes:
        seconds: from its arrival to its answer; Label Studio gives up after 100 (``ML_TIMEOUT_PREDICT`` there).
        parallel: tasks answered side by side; so many photographs are decoded at a time.
    """

    BOUNDS: ClassVar = {"seconds": ("IHP_BATCH_SECONDS", 1, 86400), "parallel": ("IHP_BATCH_PARALLEL", 1, 64)}

    seconds: int = 90
    parallel: int = 4
