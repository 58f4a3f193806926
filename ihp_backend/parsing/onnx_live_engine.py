"""The engine that serves live networks on a CPU: ONNX Runtime, no torch."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.live_engine import Encoded, LiveEngine, Question
from ihp_backend.parsing.onnx_session import open_session

ENCODER, DECODER = "encoder.onnx", "decoder.onnx"


class OnnxLiveEngine(LiveEngine):
    """Runs the two halves of a live network, of any height, width, number of clicks and labels.

    Raises:
        CheckpointError: ONNX Runtime refuses a file.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int) -> None:
        self._encoder = open_session(checkpoint.file(ENCODER), threads)
        self._decoder = open_session(checkpoint.file(DECODER), threads)
        # One run already uses every core; two at once would only evict each other's caches.
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> Encoded:
        """One run of the encoder."""
        given = np.ascontiguousarray(image.transpose(2, 0, 1)[None])
        with self._turn:
            found = self._encoder.run(None, {"image": given})
        named = {output.name: value for output, value in zip(self._encoder.get_outputs(), found, strict=True)}
        return Encoded(named, named.pop("shares"), named["prior"].max((0, 2, 3)))

    def decode(self, features: Any, question: Question) -> NDArray[np.float32]:
        """One run of the decoder."""
        with self._turn:
            (logits,) = self._decoder.run(["logits"], {**features, **question._asdict()})
        return logits
