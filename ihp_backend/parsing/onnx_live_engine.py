"""The engine that serves live networks on a CPU: ONNX Runtime, no torch.

A label's decoding fits into a core's cache and many labels' does not. So labels are decoded one at a time, and each
core takes the next one when it is done, instead of all of them in one run on all cores.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import CheckpointError
from ihp_backend.parsing.label_planes import LabelPlanes, embedding_at
from ihp_backend.parsing.live_engine import Encoded, LiveEngine, Question
from ihp_backend.parsing.onnx_session import open_session

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"


class OnnxLiveEngine(LiveEngine):
    """Runs the two halves of a live network, of any height, width, number of clicks and labels.

    Args:
        encoder, decoder: the two files.
        threads: cores to use.

    Raises:
        CheckpointError: ONNX Runtime refuses a file, or the decoder's does not say how its planes are made.
    """

    def __init__(self, encoder: Path, decoder: Path, threads: int) -> None:
        self._encoder, self._decoder = open_session(encoder, threads), open_session(decoder, 1)
        described = self._decoder.get_modelmeta().custom_metadata_map
        try:
            self._fine, self._coarse = (LabelPlanes.from_json(described[name]) for name in ("fine", "coarse"))
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"model: {decoder} does not say how the planes of its labels are made ({error}); export it again"
            ) from error
        self._names = [output.name for output in self._encoder.get_outputs()]
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
        context = {name: features[name] for name in ("context_4", "context_8", "context_16")}
        with self._turn:
            clicked = embedding_at(features["embedding"], question.places, self._fine.stride)
            strides = ((self._fine, ""), (self._coarse, "_8"))
            made = [
                self._cores.submit(
                    planes.make, features["embedding" + suffix], features["prior" + suffix], clicked, question
                )
                for planes, suffix in strides
            ]
            fine, coarse = (future.result() for future in made)

            def run(label: int) -> NDArray[np.float32]:
                one = slice(label, label + 1)
                return self._decoder.run(["logits"], {"fine": fine[one], "coarse": coarse[one], **context})[0]

            return np.concatenate(list(self._cores.map(run, range(len(fine)))))[:, 0]
