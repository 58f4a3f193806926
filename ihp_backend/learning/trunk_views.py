"""Random pieces of photographs of which the encoder's part is known already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.networks.live.features import Trunk
from ihp_backend.parsing.box import BLOCK, Box


@dataclass(frozen=True)
class WorkingPhotograph:
    """A photograph to learn from, in the size at which the network works.

    Attributes:
        image: uint8 (H, W, 3), RGB, padded.
        parsing: uint8 (H, W), in ids of the network's labels and the new ones after them; 255 where nothing is drawn.
    """

    image: NDArray[np.uint8]
    parsing: NDArray[np.uint8]


def random_view(
    trunk: Trunk, parsing: NDArray[np.uint8], size: tuple[int, int], rng: np.random.Generator
) -> tuple[Trunk, NDArray[np.uint8]]:
    """A piece at a random place.

    Args:
        trunk: of one photograph.
        parsing: uint8 (H, W), its parsing.
        size: height and width of the piece in pixels, multiples of ``BLOCK``; smaller where the photograph is.
    """
    first, last = [], []
    for side, whole in zip(size, parsing.shape, strict=True):
        blocks = min(side, whole) // BLOCK
        first.append(int(rng.integers(whole // BLOCK - blocks + 1)))
        last.append(first[-1] + blocks)
    box = Box(*first, *last)

    def piece(stage: Any, stride: int) -> Any:
        return box.of(stage, stride).contiguous(memory_format=torch.channels_last)  # type: ignore[attr-defined]

    four, eight, sixteen = (piece(stage, stride) for stage, stride in zip(trunk.joined, (4, 8, 16), strict=True))
    return Trunk((four, eight, sixteen), piece(trunk.mixture, 4)), box.of(parsing, 1)
