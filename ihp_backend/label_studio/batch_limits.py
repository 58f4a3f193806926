"""BatchLimits: how much a request for pre-annotations may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ihp_backend.label_studio.whole_numbers import whole_numbers


@dataclass(frozen=True)
class BatchLimits:
    """Limits of a batch.

    Attributes:
        seconds: from its arrival to its answer; Label Studio gives up after 100 (``ML_TIMEOUT_PREDICT`` there).
        parallel: tasks answered side by side; so many photographs are decoded at a time.

    Raises:
        ValueError: a number out of range.
    """

    seconds: int = 90
    parallel: int = 4

    def __post_init__(self) -> None:
        for name, value, most in (("seconds", self.seconds, 86400), ("parallel", self.parallel, 64)):
            if not 1 <= value <= most:
                raise ValueError(f"{_VARIABLES[name]}: {value} is out of range; choose 1 to {most}")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> BatchLimits:
        """Limits from IHP_BATCH_SECONDS and IHP_BATCH_PARALLEL; empty ones count as not set.

        Raises:
            ValueError: a value that is no number, or out of range.
        """
        return cls(**whole_numbers(variables, _VARIABLES))


_VARIABLES = {"seconds": "IHP_BATCH_SECONDS", "parallel": "IHP_BATCH_PARALLEL"}
