"""SceneLimits: how much opened photographs may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ihp_backend.label_studio.whole_numbers import whole_numbers


@dataclass(frozen=True)
class SceneLimits:
    """Limits of the photographs that are open.

    Attributes:
        memory_mebibytes: of those that are in memory; without a file, of all.
        file_mebibytes: of the unnamed file in the data folder in which they lie; 0: none.

    Raises:
        ValueError: a number out of range.
    """

    memory_mebibytes: int = 48
    file_mebibytes: int = 2048

    def __post_init__(self) -> None:
        for name, value, least in (
            ("memory_mebibytes", self.memory_mebibytes, 1),
            ("file_mebibytes", self.file_mebibytes, 0),
        ):
            if not least <= value <= 1 << 20:
                raise ValueError(f"{_VARIABLES[name]}: {value} is out of range; choose {least} to {1 << 20}")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> SceneLimits:
        """Limits from IHP_SCENE_MEBIBYTES and IHP_SCENE_FILE_MEBIBYTES; empty ones count as not set.

        Raises:
            ValueError: a value that is no number, or out of range.
        """
        return cls(**whole_numbers(variables, _VARIABLES))


_VARIABLES = {"memory_mebibytes": "IHP_SCENE_MEBIBYTES", "file_mebibytes": "IHP_SCENE_FILE_MEBIBYTES"}
