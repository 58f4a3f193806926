"""Writing a torch module as an ONNX file: any size, weights in half precision."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxscript.optimizer
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn


def is_filter(tensor: Tensor) -> bool:
    """Whether a tensor of a network holds filters, which are nearly all of its numbers."""
    return tensor.is_floating_point() and tensor.ndim > 1


def write_onnx(
    module: nn.Module,
    example: dict[str, Tensor],
    outputs: list[str],
    sizes: dict[str, Any],
    path: Path,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes ``module``.

    Args:
        module: takes the tensors of ``example`` in their order.
        example: an input by name.
        outputs: names of what it gives.
        sizes: which axes of each input are of any length, as ``torch.export`` takes them.
        path: of the file.
        metadata: texts by name that the file carries.
    """
    program = torch.onnx.export(
        module,
        tuple(example.values()),
        input_names=list(example),
        output_names=outputs,
        dynamic_shapes=tuple(sizes.values()),
        dynamo=True,
        # Folding batch norms into filters before they are rounded would round other numbers than torch's.
        optimize=False,
    )
    assert program is not None  # Only the exporter of old gives None.
    # The exporter computes zeros for absent biases anew in every run. As constants they let ONNX Runtime fold batch
    # norms into filters on loading, which it does not otherwise.
    onnxscript.optimizer.fold_constants(program.model)
    onnxscript.optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    # The same tensors as in model.safetensors, so that ONNX Runtime and torch calculate with the same numbers.
    _store_in_half_precision(model, {name for name, tensor in module.state_dict().items() if is_filter(tensor)})
    del model.graph.value_info[:]  # ONNX Runtime infers shapes itself.
    for node in model.graph.node:
        del node.metadata_props[:]  # Where in the Python source each node came from; half as large as the weights.
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _store_in_half_precision(model: onnx.ModelProto, filters: Collection[str]) -> None:
    """Stores the named weights as float16 followed by a cast, which ONNX Runtime folds away on loading."""
    casts = []
    for weight in list(model.graph.initializer):
        if weight.name not in filters:
            continue
        half = numpy_helper.to_array(weight).astype(np.float16)
        stored = f"{weight.name}.half"
        casts.append(
            helper.make_node("Cast", [stored], [weight.name], to=TensorProto.FLOAT, name=f"{weight.name}.cast")
        )
        model.graph.initializer.remove(weight)
        model.graph.initializer.append(numpy_helper.from_array(half, stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
