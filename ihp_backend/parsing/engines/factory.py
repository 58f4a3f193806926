"""The engines there are, by name."""

from __future__ import annotations

import numpy as np

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.engines.base import DecoderInputs, Engine, LiveEngine
from ihp_backend.parsing.engines.onnx_engines import DECODER, ENCODER, OnnxEngine, OnnxLiveEngine


def make_engine(kind: str, checkpoint: Checkpoint, threads: int) -> Engine | LiveEngine:
    """The engine called ``kind``: "onnx" (CPU, without torch) or "torch" (CUDA when there is one).

    It has answered once before it is given away, so that a model whose training failed never serves.

    Raises:
        CheckpointError: an unknown kind, a damaged model, one whose answers are not finite, or torch asked for and not
            installed.
    """
    engine = _engine(kind, checkpoint, threads)
    _try_out(engine, checkpoint)
    return engine


def _engine(kind: str, checkpoint: Checkpoint, threads: int) -> Engine | LiveEngine:
    if kind == "onnx":
        if checkpoint.live:
            return OnnxLiveEngine(checkpoint.file(ENCODER), checkpoint.file(DECODER), threads)
        return OnnxEngine(checkpoint, threads)
    if kind == "torch":
        try:
            from ihp_backend.parsing.engines.torch_engines import make_torch_engine
        except ImportError as error:
            raise CheckpointError(
                f"engine: 'torch' needs the package {error.name}; install ihp-backend[train], or use engine 'onnx'"
            ) from error
        return make_torch_engine(checkpoint, threads)
    raise CheckpointError(f"engine: {kind!r} is unknown; choose 'onnx' or 'torch'")


def _try_out(engine: Engine | LiveEngine, checkpoint: Checkpoint) -> None:
    """Asks for a small random photograph with a click of every label; raises ``AnswerError``."""
    side, count = 2 * checkpoint.multiple_of, len(checkpoint.labels)
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    places = np.arange(count) * side // count
    if isinstance(engine, LiveEngine):
        encoded = engine.encode(image)
        signs = np.eye(count, dtype=np.float32)
        nothing = np.zeros((count, *encoded.shares.shape[:2]), np.float32)
        where = np.stack([places, places], 1)
        engine.decode(encoded.features, DecoderInputs(where, signs, np.zeros_like(signs), signs, nothing))
    else:
        clicks = [Click(int(place), int(place), label) for label, place in enumerate(places)]
        engine.decode(engine.encode(image), localization_maps(clicks, side, side, count))
