"""Photographs to learn from, and random pieces of what the encoder makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.networks.live.features import STRIDES, BackboneFeatures
from ihp_backend.parsing.decode_regions import BLOCK, Box


@dataclass(frozen=True)
class WorkingPhotograph:
    """A photograph to learn from, in the size at which the network works.

    Attributes:
        image: uint8 (H, W, 3), RGB, padded.
        parsing: uint8 (H, W), in ids of the network's labels and the new ones after them; 255 where nothing is drawn.
        id: its name, for errors.
    """

    image: NDArray[np.uint8]
    parsing: NDArray[np.uint8]
    id: str = "without a name"


def random_box(photograph: tuple[int, ...], size: tuple[int, int], rng: np.random.Generator) -> Box:
    """A random place in a photograph.

    Args:
        photograph: its height and width in pixels, multiples of ``BLOCK``.
        size: height and width of the box in pixels, multiples of ``BLOCK``; smaller where the photograph is.
    """
    first, last = [], []
    for side, whole in zip(size, photograph, strict=True):
        blocks = min(side, whole) // BLOCK
        first.append(int(rng.integers(whole // BLOCK - blocks + 1)))
        last.append(first[-1] + blocks)
    return Box(*first, *last)


def piece_of(backbone: BackboneFeatures, box: Box) -> BackboneFeatures:
    """The backbone features inside a box."""

    def piece(part: Any, stride: int) -> Any:
        return box.of(part, stride).contiguous(memory_format=torch.channels_last)  # type: ignore[attr-defined]

    return BackboneFeatures.of(map(piece, backbone.parts, STRIDES))
