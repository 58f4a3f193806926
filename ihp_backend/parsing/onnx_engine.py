"""The engine that serves on a CPU: ONNX Runtime, no torch."""

from __future__ import annotations

import threading

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.engine import Engine


class OnnxEngine(Engine):
    """Runs ``model.onnx``: inputs ``image`` and ``click_maps``, output ``logits``, any height and width.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Photographs come in many sizes; a plan of memory per size would grow without bound.
        options.enable_mem_pattern = False
        path = checkpoint.file("model.onnx")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own.
            raise CheckpointError(f"model: {path} is refused by ONNX Runtime ({error}); export it again") from error
        # One run already uses every core; two at once would only evict each other's caches.
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph as the network takes it, uint8 (1, 3, H, W): in the paper's network clicks join at once."""
        return np.ascontiguousarray(image.transpose(2, 0, 1)[None])

    def decode(self, features: NDArray[np.uint8], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One run of the network."""
        with self._turn:
            (logits,) = self._session.run(["logits"], {"image": features, "click_maps": click_maps[None]})
        return logits[0]
