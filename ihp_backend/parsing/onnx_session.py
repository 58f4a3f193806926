"""Opening a network in ONNX Runtime the way all of them are run here."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from ihp_backend.parsing.checkpoint import CheckpointError


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """The network in a file, on the CPU.

    Raises:
        CheckpointError: ONNX Runtime refuses the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Photographs come in many sizes; a plan of memory per size would grow without bound.
    options.enable_mem_pattern = False
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base of their own.
        raise CheckpointError(f"model: {path} is refused by ONNX Runtime ({error}); export it again") from error
