"""The engine that serves on a CPU: ONNX Runtime, no torch."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engine import Engine, finite
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.parsing.onnx_session import open_session


class OnnxEngine(Engine):
    """Runs ``model.onnx``: inputs ``image`` and ``click_maps``, output ``logits``, any height and width.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int) -> None:
        self._session = open_session(checkpoint.file("model.onnx"), threads)
        # One run already uses every core; two at once would only evict each other's caches.
        self._turn = threading.Lock()

    def encode(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The photograph as the network takes it, uint8 (1, 3, H, W): in the paper's network clicks join at once."""
        return as_batch(image)

    def decode(self, features: NDArray[np.uint8], click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One run of the network."""
        with self._turn:
            (logits,) = self._session.run(["logits"], {"image": features, "click_maps": click_maps[None]})
        return finite("logits", logits[0])
