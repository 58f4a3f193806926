"""Live networks as ONNX files without an export for each, which takes most of a minute.

Live networks that differ in weights, labels and kernels alone have one graph. The first one of a run is exported as any
other; the rest of them, in whichever process, take its files and put their own tensors in.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import numpy_helper
from torch import nn

from ihp_backend.exporting import model_folder
from ihp_backend.exporting.onnx_networks import DecoderHalf, EncoderHalf, export_halves
from ihp_backend.networks import LiveNetwork
from ihp_backend.parsing.engines.onnx_engines import DECODER, ENCODER

TINY: dict[str, Any] = {"width": 24, "embedding": 8, "widths": (8, 8, 8)}
"""Arguments of the networks that share their files, besides labels and kernels."""


class LiveExports:
    """Exports of live networks that share one graph.

    Args:
        folder: where the files are that are shared, by all processes of a run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Model folders that are written meanwhile get their ONNX files from here."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(model_folder, "export_halves", self.export_halves)
            yield

    def export_halves(self, network: LiveNetwork, folder: Path) -> None:
        """Writes what the function of this name does, of a network whose arguments are ``TINY``."""
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        tiny = LiveNetwork(network.num_labels, **TINY, colour=network.fine.kernels.log_colour is not None)
        assert shapes == {name: tensor.shape for name, tensor in tiny.state_dict().items()}, f"another one than {TINY}"
        self._folder.mkdir(exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self._folder / "exported").exists():
                export_halves(network, self._folder)
                (self._folder / "exported").touch()
        channels = {"prior": network.num_labels, "prior_8": network.num_labels}
        channels |= {name: getattr(network, name).count for name in ("fine", "coarse")}
        for half, name in ((EncoderHalf(network), ENCODER), (DecoderHalf(network), DECODER)):
            model = onnx.load(self._folder / name)
            put_tensors(model, half)
            for value in (*model.graph.input, *model.graph.output):
                if value.name in channels:
                    value.type.tensor_type.shape.dim[1].dim_value = channels[value.name]
            for described in model.metadata_props:
                described.value = json.dumps(getattr(network, described.key).describe())
            (folder / name).write_bytes(model.SerializeToString())


def put_tensors(model: onnx.ModelProto, module: nn.Module) -> None:
    """Puts a module's tensors in the place of those of the same names, in the same precision."""
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for stored in model.graph.initializer:
        tensor = tensors.get(stored.name.removesuffix(".half"))
        if tensor is not None:
            numbers = tensor.detach().numpy().astype(numpy_helper.to_array(stored).dtype)
            stored.CopyFrom(numpy_helper.from_array(numbers, stored.name))
