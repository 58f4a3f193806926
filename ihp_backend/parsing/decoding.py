"""Decoding: one view's last run of a live decoder, kept, so that the next click costs what it changes.

Every label is decoded in boxes around what speaks for it (``decode_regions``). After a click, sums of kernels get the
new click's only (``label_planes``), and a box is decoded anew if its planes differ from those that were decoded there.
What differs little is left: on photographs of CCP, 0.014 % of the pixels get another label than from beginning anew, at
most 0.07 %. Planes are compared with those that were decoded, so that many small changes add up to one that is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.labels import ABSENT_LOGIT
from ihp_backend.parsing.click_kernels import Floats
from ihp_backend.parsing.convex_upsampling import STRIDE
from ihp_backend.parsing.cores import Cores
from ihp_backend.parsing.decode_regions import MARGIN, Box, evidence, shrunk
from ihp_backend.parsing.engines.base import DecoderInputs
from ihp_backend.parsing.label_planes import LabelPlanes, LabelSums

CONTEXTS: Final = {"context_4": 4, "context_8": 8, "context_16": 16}
"""The encoder's outputs that the decoder takes as they are, and their strides."""

STEPS: Final = 100
"""Planes, which go from 0 to about 1, are kept as whole numbers of this part of 1, a byte each: up to 2.55."""

DIFFERS: Final = 0.2
"""By how much a plane must differ in a cell ..."""

CELLS: Final = 8
"""... and in how many cells, so that the box is decoded again."""

MEAN: Final = 0.03
"""By how much the most different planes may differ in the mean of a box's cells without that."""


Kept = NDArray[np.uint8]


def kept(planes: Floats) -> Kept:
    """Planes (..., h, w) in whole steps, uint8 (..., h, w)."""
    return np.asarray(cv2.convertScaleAbs(planes.reshape(-1, planes.shape[-1]), alpha=STEPS).reshape(planes.shape))


class DecodedBox(NamedTuple):
    """A box, and the finer and coarser planes that were decoded in it, (planes, h, w) in steps; None: not yet."""

    box: Box
    planes: tuple[Kept, Kept] | None = None

    def differs(self, *planes: Kept) -> bool:
        """Whether other planes deserve another run."""
        if self.planes is None:
            return True
        for now, then in zip(planes, self.planes, strict=True):
            by = (np.maximum(now, then) - np.minimum(now, then)).max(0)
            if np.count_nonzero(by > DIFFERS * STEPS) >= CELLS or by.mean() > MEAN * STEPS:
                return True
        return False


class Decoding:
    """What was decoded in a view.

    Args:
        features: the encoder's outputs by name.
        fine, coarse: how planes are made.
        everywhere: decode every label in the whole view.
    """

    def __init__(
        self, features: Mapping[str, Floats], fine: LabelPlanes, coarse: LabelPlanes, *, everywhere: bool = False
    ) -> None:
        self._features, self._everywhere = features, everywhere
        self._fine = LabelSums(fine, features["embedding"])
        self._coarse = LabelSums(coarse, features["embedding_8"])
        height, width = features["context_4"].shape[2:]
        self._labels = np.zeros(0, np.uint8)
        self._known: Floats = np.zeros((0, features["prior"].shape[1]), np.float32)
        self._previous: Kept = np.zeros((0, height, width), np.uint8)
        self._logits: Floats = np.zeros((0, height, width), np.float32)
        self._evidence = np.zeros((0, *features["context_8"].shape[2:]), bool)
        self._decoded: list[list[DecodedBox]] = []
        # Whether a label's clicks, name or parsing so far are others than when its boxes were last looked at.
        self._differs = np.zeros(0, bool)
        self._fresh = True

    @property
    def bytes(self) -> int:
        """What it keeps, at least."""
        planes = sum(array.nbytes for its in self._decoded for one in its for array in one.planes or ())
        arrays = (self._previous, self._logits, self._evidence)
        return self._fine.bytes + self._coarse.bytes + planes + sum(array.nbytes for array in arrays)

    def logits(
        self, inputs: DecoderInputs, looks: Floats, run: Callable[[Mapping[str, Floats]], Floats], cores: Cores
    ) -> Floats:
        """Logits float32 (A, h, w) at stride 4.

        Args:
            inputs: all clicks and labels.
            looks: float32 (n, channels), the look at the clicks.
            run: the decoder, for one label in a part of the view.
            cores: run it side by side.
        """
        labels = np.arange(len(inputs.known), dtype=np.uint8) if inputs.labels is None else inputs.labels
        self._align(labels, inputs)
        previous = kept(inputs.previous)  # Sixteenths, as cells have 16 pixels: none becomes another one's equal.
        self._differs |= (previous != self._previous).any((1, 2))
        self._previous = previous
        # The first clicks are many and worth a core each; later ones cost less than waiting for one another.
        summing = None
        if self._fresh and inputs.needed is None:
            summing = cores.submit(self._fine.update, labels, inputs, looks)
        self._differs |= self._coarse.update(labels, inputs, looks)
        found = evidence(self._coarse, self._features["prior_8"], inputs)
        # Where little is needed, mostly nothing is left to decode, and then the finer kernels are not summed.
        if inputs.needed is not None and not found[1:].any() and not self._everywhere:
            nothing = np.full_like(self._logits, ABSENT_LOGIT)
            nothing[0] = 0
            return nothing
        self._differs |= summing.result() if summing else self._fine.update(labels, inputs, looks)
        self._fresh = False
        if self._everywhere:
            found[:] = True
        moved = self._coarse.moved() | shrunk(self._fine.moved(), 2)
        tasks: list[tuple[int, int]] = []
        for row, elsewhere in enumerate((found != self._evidence).any((1, 2))):
            its = self._decoded[row]
            if elsewhere:
                its = self._replaced(row, found[row])
            tasks += [
                (row, place)
                for place, one in enumerate(its)
                if self._differs[row] or one.planes is None or one.box.of(moved, self._coarse.described.stride).any()
            ]
        self._evidence = found
        self._differs[:] = False
        self._decode(tasks, inputs, run, cores)
        return self._logits.copy()

    def _align(self, labels: NDArray[np.uint8], inputs: DecoderInputs) -> None:
        """Gives each label the row that it had, or an empty one."""
        if np.array_equal(labels, self._labels) and np.array_equal(inputs.known, self._known):
            return
        _, now, before = np.intersect1d(labels, self._labels, assume_unique=True, return_indices=True)
        same = (inputs.known[now] == self._known[before]).all(1)
        now, before = now[same], before[same]

        def rows(of: NDArray[Any], empty: float) -> NDArray[Any]:
            aligned = np.full((len(labels), *of.shape[1:]), empty, of.dtype)
            aligned[now] = of[before]
            return aligned

        self._previous, self._logits = rows(self._previous, 0), rows(self._logits, ABSENT_LOGIT)
        self._evidence, self._differs = rows(self._evidence, False), rows(self._differs, True)
        decoded = dict(zip(now.tolist(), [self._decoded[row] for row in before], strict=True))
        self._decoded = [decoded.get(row, []) for row in range(len(labels))]
        self._labels, self._known = labels, inputs.known

    def _replaced(self, row: int, found: NDArray[np.bool_]) -> list[DecodedBox]:
        """A label's boxes after other cells speak for it; those that stay keep what was decoded in them."""
        boxes = Box.around(found, self._coarse.described.stride, MARGIN)
        before = {one.box: one for one in self._decoded[row]}
        if before.keys() != set(boxes):
            logits = np.full_like(self._logits[row], ABSENT_LOGIT)
            for box in before.keys() & set(boxes):
                box.of(logits, STRIDE)[:] = box.of(self._logits[row], STRIDE)
            self._logits[row] = logits
            self._decoded[row] = [before.get(box) or DecodedBox(box) for box in boxes]
        return self._decoded[row]

    def _decode(
        self,
        tasks: Sequence[tuple[int, int]],
        inputs: DecoderInputs,
        run: Callable[[Mapping[str, Floats]], Floats],
        cores: Cores,
    ) -> None:
        """Decodes labels in boxes, given as rows and places, but for those whose planes are much as they were."""
        if not tasks:
            return
        rows = np.unique([row for row, _ in tasks])
        fine_stride, coarse_stride = self._fine.described.stride, self._coarse.described.stride
        making = cores.submit(self._coarse.planes, rows, self._features["prior_8"], inputs)
        all_fine, all_coarse = self._fine.planes(rows, self._features["prior"], inputs), making.result()

        kept_fine, kept_coarse = kept(all_fine), kept(all_coarse)

        def decode(task: tuple[int, int]) -> None:
            row, place = task
            one, at = self._decoded[row][place], int(np.searchsorted(rows, row))
            fine, coarse = one.box.of(kept_fine[at], fine_stride), one.box.of(kept_coarse[at], coarse_stride)
            if not one.differs(fine, coarse):
                return
            given = {
                name: np.ascontiguousarray(one.box.of(self._features[name], stride))
                for name, stride in CONTEXTS.items()
            }
            given["fine"] = np.ascontiguousarray(one.box.of(all_fine[at, None], fine_stride))
            given["coarse"] = np.ascontiguousarray(one.box.of(all_coarse[at, None], coarse_stride))
            one.box.of(self._logits[row], STRIDE)[:] = run(given)
            # Copies, since a part would keep the planes of all labels in memory.
            self._decoded[row][place] = DecodedBox(one.box, (fine.copy(), coarse.copy()))

        cores.share_out(decode, tasks)
