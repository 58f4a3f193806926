"""The planes of ``networks.live.planes`` without torch: what the decoder of a live network sees of each label.

They are made for all labels at once, since a click's share is set against the clicks of all, and since what numpy costs
per call is then paid once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.click_kernels import ClickKernels, DescribedKernel, Floats
from ihp_backend.parsing.convex_upsampling import STRIDE
from ihp_backend.parsing.engines.base import DecoderInputs

PRIOR, PREVIOUS = "prior", "previous"
"""The planes that follow those of the click kernels."""


@dataclass(frozen=True)
class LabelPlanes:
    """Planes of labels at one stride; the numbers come with the network.

    Attributes:
        stride: working pixels per cell along each axis.
        kernels: of the clicks.
        colours: channels of the look that are colours, the last ones; the others are the embedding.
        constants: whether two constants follow: known or not, clicked or not.
        faint: a sum of kernels below this counts as none.
    """

    stride: int
    kernels: tuple[DescribedKernel, ...]
    constants: bool
    faint: float
    colours: int = 0

    @classmethod
    def from_json(cls, text: str) -> LabelPlanes:
        """The label planes as ``training.export`` described them.

        Raises:
            KeyError, TypeError, ValueError: the text describes none.
        """
        described: dict[str, Any] = json.loads(text)
        kernels = tuple(map(DescribedKernel.from_dict, described["kernels"]))
        stride, colours = int(described["stride"]), int(described.get("colours", 0))
        return cls(stride, kernels, bool(described["constants"]), float(described["faint"]), colours)

    @property
    def order(self) -> tuple[tuple[int | None, str], ...]:
        """The kernel, if it is made of one, and the kind of each plane."""
        kinds = tuple((number, kind) for number, kernel in enumerate(self.kernels) for kind in kernel.planes)
        others = (PRIOR, PREVIOUS, "known", "clicked") if self.constants else (PRIOR, PREVIOUS)
        return *kinds, *((None, kind) for kind in others)

    def make(self, look: Floats, clicked_look: Floats, prior: Floats, inputs: DecoderInputs) -> Floats:
        """The planes of all labels, float32 (A, planes, h, w).

        Args:
            look: float32 (1, D + colours, h, w), the embedding, of unit length, and colours, at this stride.
            clicked_look: float32 (n, D + colours), the look at the clicks.
            prior: float32 (1, known labels, h, w), probabilities at this stride.
            inputs: clicks and labels.
        """
        height, width = look.shape[2:]
        middles: Floats = (inputs.places.astype(np.float32) + np.float32(0.5)) / np.float32(self.stride)
        clicks = ClickKernels(look[0], clicked_look, self.colours, middles - np.float32(0.5))
        opposed, labels = bool(inputs.against.any()), len(inputs.known)
        weights = np.concatenate([inputs.own, inputs.against], 1) if opposed else inputs.own
        made = np.empty((labels, len(self.order), height * width), np.float32)
        planes = iter(made.transpose(1, 0, 2))
        for kernel in self.kernels:
            sums = clicks.sums(kernel, weights)
            own = sums[:labels]
            for kind in kernel.planes:
                if kind == "share":
                    np.divide(own, own.sum(0) + np.float32(self.faint), out=next(planes))
                elif kind == "strength" or opposed:
                    self.visible(own if kind == "strength" else sums[labels:], next(planes))
                else:
                    next(planes)[:] = 0
        np.matmul(inputs.known, prior.reshape(prior.shape[1], -1), out=next(planes))
        drawn = inputs.previous.any()
        next(planes)[:] = _pooled(inputs.previous, self.stride // STRIDE).reshape(labels, -1) if drawn else 0
        if self.constants:
            next(planes)[:] = inputs.known.max(1)[:, None]
            next(planes)[:] = inputs.own.max(0)[:, None]
        return made.reshape(*made.shape[:2], height, width)

    def visible(self, strength: Floats, out: Floats) -> None:
        """The fourth root of a sum of kernels, as the planes show it; 0 for none."""
        np.sqrt(strength + np.float32(self.faint**2), out=out)
        np.sqrt(out, out=out)
        out -= np.float32(self.faint**0.5)


def look_at(look: Floats, places: NDArray[np.int64], stride: int) -> Floats:
    """The look (1, C, h, w) of the cells in which places (n, 2) lie, float32 (n, C)."""
    return np.ascontiguousarray(look[0, :, places[:, 0] // stride, places[:, 1] // stride])


def _pooled(planes: Floats, side: int) -> Floats:
    """The means over squares of ``side`` cells along each axis."""
    if side == 1:
        return planes
    sums: Floats = planes[:, ::side, ::side].copy()
    for phase in range(1, side**2):
        sums += planes[:, phase // side :: side, phase % side :: side]
    sums /= side**2
    return sums
