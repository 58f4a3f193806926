"""What ships with the package."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import pytest

from ihp_backend.parsing.checkpoint import PACKAGED

FILES = sorted(PACKAGED.glob("*/*.onnx"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_onnx_runtime_folds_what_need_not_run_at_every_click(file: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node]
    # Those that may stay cost next to nothing: of early fusion one on a single cell, the mean over the photograph;
    # of the live network one on a sum and one before a stage whose size is asked for.
    assert kinds.count("BatchNormalization") <= 2
    # One for the photograph's bytes, one for the clicks'; none for weights in half precision.
    assert kinds.count("Cast") <= 2
