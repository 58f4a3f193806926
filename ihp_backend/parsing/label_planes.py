"""The planes of ``networks.live.planes`` without torch: what the decoder of a live network sees of each label.

Click kernels are summed for all labels at once, since a click's share is set against the clicks of all. The sums are
kept from click to click, so that the next one costs its own kernels, however many there are.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

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

    def visible(self, strength: Floats, out: Floats) -> None:
        """The fourth root of a sum of kernels, as the planes show it; 0 for none."""
        np.add(strength, np.float32(self.faint**2), out=out)
        np.sqrt(out, out=out)
        np.sqrt(out, out=out)
        out -= np.float32(self.faint**0.5)


MOVED: Final = 0.05
"""Share by which the sum of all labels' kernels in a cell must have changed to be noticed."""


class LabelSums:
    """Sums of click kernels over the clicks of each label of a view, and the planes made of them.

    Args:
        described: the planes.
        look: float32 (1, D + colours, h, w), the embedding, of unit length, and colours, at their stride.

    Attributes:
        own: float32 (kernels, A, h, w), over the positive clicks of each label.
        against: the same over the negative clicks; None while there are none.
        total: float32 (kernels, h, w), the sum of ``own`` over the labels.
    """

    def __init__(self, described: LabelPlanes, look: Floats) -> None:
        self.described = described
        self._kernels = ClickKernels(look[0], described.colours)
        self._size = look.shape[2:]
        self.own: Floats = np.zeros((len(described.kernels), 0, *self._size), np.float32)
        self.against: Floats | None = None
        self.total: Floats = self.own.sum(1)
        self._noticed = self.total.copy()
        self._labels = np.zeros(0, np.uint8)
        self._clicks: Counter[bytes] = Counter()
        self._shared = [number for number, kernel in enumerate(described.kernels) if "share" in kernel.planes]

    @property
    def bytes(self) -> int:
        """What it keeps."""
        against = 0 if self.against is None else self.against.nbytes
        return int(self.own.nbytes + against + 2 * self.total.nbytes + self._kernels.bytes)

    def update(self, labels: NDArray[np.uint8], inputs: DecoderInputs, looks: Floats) -> NDArray[np.bool_]:
        """Takes in which clicks there are now.

        Args:
            labels: uint8 (A,), ids of the rows of ``inputs``.
            inputs: clicks and labels.
            looks: float32 (n, D + colours), the look at the clicks.

        Returns:
            Whether each row's own clicks are others than before, bool (A,).
        """
        self._align(labels)
        signs = inputs.own - inputs.against
        number, row = np.nonzero(signs)
        keys = _keys(number, labels[row], signs[number, row], inputs.places, looks)
        left = self._clicks.copy()
        gone = left - Counter(keys)
        stale = np.isin(labels, [_label_of(key) for key in gone])
        # Taking a click out of a sum would leave rounding behind where the sum was large: its label begins anew.
        self.own[:, stale] = 0
        if self.against is not None:
            self.against[:, stale] = 0
        new = np.zeros(len(keys), bool)
        for at, key in enumerate(keys):
            if stale[row[at]] or not left[key]:
                new[at] = True
            else:
                left[key] -= 1
        self._clicks = Counter(keys)
        changed = stale.copy()
        if new.any():
            changed[row[new]] = True
            self._add(number[new], changed, inputs, looks)
        if changed.any():
            np.sum(self.own, 1, out=self.total)
        return changed

    def moved(self) -> NDArray[np.bool_]:
        """Cells in which the share of any label can be another than when it was last said so, bool (h, w)."""
        faint = np.float32(self.described.faint)
        now, then = self.total[self._shared], self._noticed[self._shared]
        moved = (np.abs(now - then) > MOVED * (np.minimum(now, then) + faint)).any(0)
        np.copyto(self._noticed, self.total, where=moved)
        return np.asarray(moved)

    def planes(self, rows: NDArray[np.intp], prior: Floats, inputs: DecoderInputs) -> Floats:
        """The planes of some labels, float32 (rows, planes, h, w).

        Args:
            rows: intp (n,), of the labels.
            prior: float32 (1, known labels, h, w), probabilities at this stride.
            inputs: clicks and labels.
        """
        made = np.empty((len(rows), len(self.described.order), *self._size), np.float32)
        planes = iter(made.transpose(1, 0, 2, 3))
        which = slice(None) if len(rows) == len(self._labels) else rows  # All of them need no copy.
        for number, kernel in enumerate(self.described.kernels):
            own = self.own[number, which]
            for kind in kernel.planes:
                if kind == "share":
                    np.divide(own, self.total[number] + np.float32(self.described.faint), out=next(planes))
                elif kind == "strength":
                    self.described.visible(own, next(planes))
                elif self.against is None:
                    next(planes)[:] = 0
                else:
                    self.described.visible(self.against[number, which], next(planes))
        shown = next(planes)
        np.matmul(inputs.known[rows], prior.reshape(prior.shape[1], -1), out=shown.reshape(len(rows), -1))
        next(planes)[:] = pooled(inputs.previous[rows], self.described.stride // STRIDE)
        if self.described.constants:
            next(planes)[:] = inputs.known[rows].max(1)[:, None, None]
            next(planes)[:] = inputs.own[:, rows].max(0)[:, None, None]
        return made

    def _align(self, labels: NDArray[np.uint8]) -> None:
        """Gives each of ``labels`` a row: that which it had, or an empty one."""
        if np.array_equal(labels, self._labels):
            return
        kept, now, before = np.intersect1d(labels, self._labels, assume_unique=True, return_indices=True)
        own = np.zeros((len(self.own), len(labels), *self._size), np.float32)
        own[:, now] = self.own[:, before]
        if self.against is not None:
            against = np.zeros_like(own)
            against[:, now] = self.against[:, before]
            self.against = against
        # The clicks of a label that is asked for no more are forgotten with its row.
        here = set(kept.tolist())
        self._clicks = Counter({key: count for key, count in self._clicks.items() if _label_of(key) in here})
        self._labels, self.own = labels.copy(), own
        np.sum(own, 1, out=self.total)

    def _add(self, clicks: NDArray[np.intp], rows: NDArray[np.bool_], inputs: DecoderInputs, looks: Floats) -> None:
        """Adds the kernels of some clicks to the sums of some rows, which are all that they belong to."""
        middles = (inputs.places[clicks].astype(np.float32) + np.float32(0.5)) / np.float32(self.described.stride)
        own, against = inputs.own[clicks][:, rows], inputs.against[clicks][:, rows]
        opposed = bool(against.any())
        if opposed and self.against is None:
            self.against = np.zeros_like(self.own)
        weights = np.concatenate([own, against], 1) if opposed else own
        for number, kernel in enumerate(self.described.kernels):
            sums = self._kernels.sums(kernel, looks[clicks], middles - np.float32(0.5), weights)
            sums = sums.reshape(-1, *self._size)
            self.own[number, rows] += sums[: own.shape[1]]
            if opposed and self.against is not None:
                self.against[number, rows] += sums[own.shape[1] :]


def _keys(
    number: NDArray[np.intp], labels: NDArray[np.uint8], signs: Floats, places: NDArray[np.int64], looks: Floats
) -> list[bytes]:
    """What tells clicks apart; ``_label_of`` reads the label."""
    if not len(number):
        return []
    told = np.column_stack([labels, signs, places[number], looks[number]]).astype(np.float32)
    return [bytes(one) for one in told]


def _label_of(key: bytes) -> int:
    return int(np.frombuffer(key, np.float32, 1)[0])


def look_at(look: Floats, places: NDArray[np.int64], stride: int) -> Floats:
    """The look (1, C, h, w) of the cells in which places (n, 2) lie, float32 (n, C)."""
    return np.ascontiguousarray(look[0, :, places[:, 0] // stride, places[:, 1] // stride])


def pooled(planes: Floats, side: int) -> Floats:
    """The means over squares of ``side`` cells along each axis, float32 (A, h / side, w / side)."""
    if side == 1:
        return planes
    sums: Floats = planes[:, ::side, ::side].copy()
    for phase in range(1, side**2):
        sums += planes[:, phase // side :: side, phase % side :: side]
    sums /= side**2
    return sums
