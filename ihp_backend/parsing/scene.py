"""Scene and Parse: the runtime's input and output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.arrays import array_bytes, arrays_of
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.parsing.windows import View, Windows


@dataclass(frozen=True)
class Scene:
    """A photograph made ready for clicks; immutable to those who use it, so that threads may share it.

    Attributes:
        height, width: size of the photograph in pixels; clicks and label maps are in this size.
        scale: working pixels per image pixel; large photographs are worked on reduced, tiny ones enlarged.
        features: whatever the engine prepared from the image; belongs to the engine that made it.
        notes: what is wrong with the photograph's file though it was read; whoever shows answers says so.
        windows: where it is worked on at a finer scale; None: nowhere, whatever is clicked.
    """

    height: int
    width: int
    scale: float
    features: Any
    notes: tuple[str, ...] = ()
    windows: Windows | None = None

    @property
    def overview(self) -> View:
        """All of the photograph."""
        return View(Rectangle(0, 0, self.height, self.width), self.scale, self.features)

    @property
    def bytes(self) -> int:
        """What it keeps in memory at present, at least the bytes of the photograph."""
        kept = array_bytes(self.features) + (self.windows.bytes if self.windows else 0)
        return max(kept, self.height * self.width * 3)

    @property
    def arrays(self) -> list[Any]:
        """The arrays and tensors that it keeps at present."""
        return [*arrays_of(self.features), *(self.windows.arrays if self.windows else ())]


@dataclass(frozen=True)
class Parse:
    """The parsing of a scene.

    Attributes:
        label_map: uint8 (height, width), a label id per pixel.
        confidence: float32 (number of labels,), 0..1 per label: mean probability over the label's own
            pixels, 0 where the label has none.
        cells: float32 (h, w), the probability of the best label on the network's coarse grid; None where the parser has
            no probabilities.
        cells_per_pixel: rows and columns of ``cells`` per pixel of the label map.
    """

    label_map: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    cells: NDArray[np.float32] | None = None
    cells_per_pixel: tuple[float, float] = (1.0, 1.0)

    def pixel_confidence(self, size: tuple[int, int] | None = None) -> NDArray[np.float32]:
        """Confidence in each pixel's label, float32 (height, width), 0..1: that of the cells, interpolated.

        Args:
            size: (height, width) in which the label map is looked at; None: its own.

        Raises:
            ValueError: the parser has no probabilities.
        """
        if self.cells is None:
            raise ValueError("cells: this parser has no probabilities, so there is no confidence per pixel")
        sides = size or self.label_map.shape
        down, across = (
            ((np.arange(side) + 0.5) * (per_pixel * whole / side) - 0.5).astype(np.float32)
            for side, whole, per_pixel in zip(sides, self.label_map.shape, self.cells_per_pixel, strict=True)
        )
        rows, columns = np.broadcast_arrays(down[:, None], across)
        found = cv2.remap(self.cells, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found.astype(np.float32, copy=False)
