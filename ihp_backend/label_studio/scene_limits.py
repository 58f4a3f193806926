"""SceneLimits: how much opened photographs may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ihp_backend.label_studio.whole_numbers import Limits


@dataclass(frozen=True)
class SceneLimits(Limits):
    """Limits of the photographs that are open.

    Attributes:
        memory_mebibytes: of those that are in memory; without a file, of all.
        file_mebibytes: of the unnamed file in the data folder in which they lie; 0: none.
    """

    BOUNDS: ClassVar = {
        "memory_mebibytes": ("IHP_SCENE_MEBIBYTES", 1, 1 << 20),
        "file_mebibytes": ("IHP_SCENE_FILE_MEBIBYTES", 0, 1 << 20),
    }

    memory_mebibytes: int = 48
    file_mebibytes: int = 2048
