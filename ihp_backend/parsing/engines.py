"""Engines run a model folder's network; everything around it (sizes, clicks, label maps) is the Parser's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError


class Engine(ABC):
    """Runs one network. Safe to share between threads."""

    @abstractmethod
    def encode(self, image: NDArray[np.uint8]) -> Any:
        """What can be computed before clicks are known, from a padded working image uint8 (H, W, 3)."""

    @abstractmethod
    def decode(self, features: Any, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 (num_labels, h, w) for localization maps uint8 (num_labels, H, W)."""


def make_engine(kind: str, checkpoint: Checkpoint, threads: int) -> Engine:
    """The engine called ``kind``: "onnx" (CPU, without torch) or "torch" (CUDA when there is one).

    Raises:
        CheckpointError: an unknown kind, a damaged model, or torch asked for and not installed.
    """
    if kind == "onnx":
        from ihp_backend.parsing.onnx_engine import OnnxEngine

        return OnnxEngine(checkpoint, threads)
    if kind == "torch":
        try:
            from ihp_backend.parsing.torch_engine import TorchEngine
        except ImportError as error:
            raise CheckpointError(
                f"engine: 'torch' needs the package {error.name}; install ihp-backend[train], or use engine 'onnx'"
            ) from error
        return TorchEngine(checkpoint, threads)
    raise CheckpointError(f"engine: {kind!r} is unknown; choose 'onnx' or 'torch'")
