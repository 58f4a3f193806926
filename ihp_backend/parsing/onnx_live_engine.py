"""The engine that serves live networks on a CPU: ONNX Runtime, no torch.

A label's decoding fits into a core's cache and many labels' does not. So labels are decoded one at a time, and each
core takes the next one when it is done, instead of all of them in one run on all cores. Most labels are small: each is
decoded only around where anything speaks for it.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from ihp_backend.parsing.box import Box
from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.label_planes import KernelSums, LabelPlanes, embedding_at
from ihp_backend.parsing.live_engine import ABSENT, Encoded, LiveEngine, Question
from ihp_backend.parsing.onnx_session import open_session

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
CONTEXTS = {"context_4": 4, "context_8": 8, "context_16": 16}

HINT = 0.05
"""A sum of click kernels from which on it speaks for a label."""

LIKELY = 0.02
"""A prior from which on it speaks for a label."""

MARGIN = 2
"""Blocks that are decoded around what speaks for a label, so that the decoder sees what is near."""


class OnnxLiveEngine(LiveEngine):
    """Runs the two halves of a live network, of any height, width, number of clicks and labels.

    Args:
        encoder, decoder: the two files.
        threads: cores to use.
        everywhere: decode every label in the whole photograph, which costs several times as much.

    Raises:
        CheckpointError: ONNX Runtime refuses a file, or the decoder's does not say how its planes are made.
    """

    def __init__(self, encoder: Path, decoder: Path, threads: int, *, everywhere: bool = False) -> None:
        self._encoder, self._decoder = open_session(encoder, threads), open_session(decoder, 1)
        described = self._decoder.get_modelmeta().custom_metadata_map
        try:
            self._fine, self._coarse = (LabelPlanes.from_json(described[name]) for name in ("fine", "coarse"))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"model: {decoder} does not say how the planes of its labels are made ({error}); export it again"
            ) from error
        self._everywhere = everywhere
        self._names = [output.name for output in self._encoder.get_outputs()]
        # Each core works on a label of its own; numpy's threads would only wait for them, at full load.
        self._blas = ThreadpoolController().select(user_api="blas")
        self._cores = ThreadPoolExecutor(threads, thread_name_prefix="decoder")
        # One parsing already uses every core; two at once would only evict each other's caches.
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> Encoded:
        """One run of the encoder."""
        given = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
        with self._turn:
            found = dict(zip(self._names, self._encoder.run(None, {"image": given}), strict=True))
        return Encoded(found, found.pop("shares"), found["prior"].max((0, 2, 3)))

    def decode(self, features: Any, question: Question) -> NDArray[np.float32]:
        """A run of the decoder for every label."""
        with self._turn, self._blas.limit(limits=1):
            clicked = embedding_at(features["embedding"], question.places, self._fine.stride)
            fine, coarse = self._cores.map(
                lambda planes, embedding: planes.sums(features[embedding], clicked, question),
                (self._fine, self._coarse),
                ("embedding", "embedding_8"),
            )
            height, width = features["context_4"].shape[2:]
            logits = np.full((len(question.known), height, width), ABSENT, np.float32)

            def run(label: int) -> None:
                box = self._box(coarse, features["prior_8"], question, label)
                if box is None:
                    return
                given = {
                    "fine": self._fine.make(fine, features["prior"], question, label, box),
                    "coarse": self._coarse.make(coarse, features["prior_8"], question, label, box),
                }
                for name, stride in CONTEXTS.items():
                    given[name] = np.ascontiguousarray(box.of(features[name], stride))
                box.of(logits[label], self._fine.stride)[:] = self._decoder.run(["logits"], given)[0][0, 0]

            for _ in self._cores.map(run, range(len(question.known))):
                pass
            return logits

    def _box(self, sums: list[KernelSums], prior: NDArray[np.float32], question: Question, label: int) -> Box | None:
        """Where anything speaks for a label, judged at stride 8, and what is around it."""
        stride = self._coarse.stride
        height, width = prior.shape[2:]
        if self._everywhere:
            return Box.whole(height * stride, width * stride)
        names = np.flatnonzero(question.known[label])
        speaking = (prior[0, names] > LIKELY).any(0)
        for own, *_ in sums:
            speaking |= own[label] > HINT
        if question.previous[label].any():
            side = stride // self._fine.stride
            speaking |= question.previous[label].reshape(height, side, width, side).any((1, 3))
        return Box.around(speaking, stride, MARGIN)
