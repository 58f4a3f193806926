"""What the runtime is given and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scene:
    """A photograph made ready for clicks; immutable, so that threads may share it.

    Attributes:
        height, width: size of the photograph in pixels; clicks and label maps are in this size.
        scale: working pixels per image pixel; large photographs are worked on reduced, tiny ones enlarged.
        features: whatever the engine prepared from the image; belongs to the engine that made it.
    """

    height: int
    width: int
    scale: float
    features: Any


@dataclass(frozen=True)
class Parse:
    """The parsing of a scene.

    Attributes:
        label_map: uint8 (height, width), a label id per pixel.
        confidence: float32 (number of labels,), 0..1 per label: mean probability over the label's own
            pixels, 0 where the label has none.
    """

    label_map: NDArray[np.uint8]
    confidence: NDArray[np.float32]
