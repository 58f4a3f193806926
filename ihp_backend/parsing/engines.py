"""The engines there are, by name."""

from __future__ import annotations

from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.engine import Engine
from ihp_backend.parsing.live_engine import LiveEngine
from ihp_backend.parsing.onnx_engine import OnnxEngine
from ihp_backend.parsing.onnx_live_engine import DECODER, ENCODER, OnnxLiveEngine


def make_engine(kind: str, checkpoint: Checkpoint, threads: int) -> Engine | LiveEngine:
    """The engine called ``kind``: "onnx" (CPU, without torch) or "torch" (CUDA when there is one).

    Raises:
        CheckpointError: an unknown kind, a damaged model, or torch asked for and not installed.
    """
    if kind == "onnx":
        if checkpoint.live:
            return OnnxLiveEngine(checkpoint.file(ENCODER), checkpoint.file(DECODER), threads)
        return OnnxEngine(checkpoint, threads)
    if kind == "torch":
        try:
            from ihp_backend.parsing.torch_engines import make_torch_engine
        except ImportError as error:
            raise CheckpointError(
                f"engine: 'torch' needs the package {error.name}; install ihp-backend[train], or use engine 'onnx'"
            ) from error
        return make_torch_engine(checkpoint, threads)
    raise CheckpointError(f"engine: {kind!r} is unknown; choose 'onnx' or 'torch'")
