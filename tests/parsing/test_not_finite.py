"""A model that answers no numbers does not serve, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save

from ihp_backend.clicks import Click
from ihp_backend.exporting.model_folder import write_description
from ihp_backend.exporting.onnx_networks import export_onnx
from ihp_backend.labels import LabelSet
from ihp_backend.networks import DeepLabClickNetwork, LiveNetwork
from ihp_backend.parsing import CheckpointError, Parser
from ihp_backend.parsing.checkpoint import AnswerError, read_checkpoint
from tests.live_exports import TINY, LiveExports, put_tensors

LABELS = LabelSet(("background", "hat", "coat"))
WriteModel = Callable[..., Path]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "DeepLabClickNetwork": {"num_labels": 3, "encoder": "tu-test_resnet", "decoder_channels": 16},
    "LiveNetwork": {"num_labels": 3, **TINY},
}
CLICK = pytest.param("DeepLabClickNetwork", marks=pytest.mark.slow)
"""Its export is in no other test."""


def network_of(kind: str) -> DeepLabClickNetwork | LiveNetwork:
    """An untrained one."""
    torch.manual_seed(0)
    return (LiveNetwork if kind == "LiveNetwork" else DeepLabClickNetwork)(**ARGUMENTS[kind]).eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ONNX file of the click network, into which spoilt tensors are put; an export takes long."""
    file = tmp_path_factory.mktemp("exported") / "model.onnx"
    network = network_of("DeepLabClickNetwork")
    assert isinstance(network, DeepLabClickNetwork)
    export_onnx(network, file)
    return file


@pytest.fixture
def write_model(request: pytest.FixtureRequest, live_exports: LiveExports) -> WriteModel:
    """Writes a model folder as an export would that did not look at its numbers."""

    def write(folder: Path, kind: str, spoilt: str | None = None) -> Path:
        network = network_of(kind)
        weights = network.state_dict()
        if spoilt is not None:
            next(tensor for name, tensor in weights.items() if name.startswith(spoilt) and tensor.ndim == 4).fill_(
                torch.nan
            )
        network.load_state_dict(weights)
        folder.mkdir()
        stored = save({name: tensor.contiguous() for name, tensor in weights.items()})
        (folder / "model.safetensors").write_bytes(stored)
        if isinstance(network, LiveNetwork):
            live_exports.export_halves(network, folder)
        else:
            model = onnx.load(request.getfixturevalue("exported"))
            put_tensors(model, network)
            (folder / "model.onnx").write_bytes(model.SerializeToString())
        description = {"class": kind, "arguments": ARGUMENTS[kind]}
        write_description(folder, "bad", description, LABELS, 128, network.multiple_of)
        return folder

    return write


@pytest.mark.parametrize(
    ("kind", "spoilt"),
    [
        pytest.param("DeepLabClickNetwork", "network.", marks=pytest.mark.slow),
        ("LiveNetwork", "network."),
        ("LiveNetwork", "decoder."),
    ],
)
def test_a_model_with_nan_is_refused_when_it_is_loaded(
    kind: str, spoilt: str, write_model: WriteModel, tmp_path: Path
) -> None:
    folder = write_model(tmp_path / "bad", kind, spoilt)
    with pytest.raises(AnswerError, match=r"model: its \w+ are NaN or infinite, .*; serve another model"):
        Parser.from_pretrained(folder)
    with pytest.raises(CheckpointError, match=r"is of a training that failed \(\S+ holds nan\)"):
        Parser.from_pretrained(folder, engine="torch")


@pytest.mark.parametrize("kind", [CLICK, "LiveNetwork"])
@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_an_answer_without_numbers_is_an_error_and_no_parsing(
    kind: str, engine: str, write_model: WriteModel, tmp_path: Path
) -> None:
    """As where numbers overflow for some photographs alone."""
    parser = Parser.from_pretrained(write_model(tmp_path / "bad", kind), engine=engine)
    scene = parser.open(np.zeros((60, 40, 3), np.uint8))
    running = parser._engine
    if engine == "torch":
        network = running.network if kind == "DeepLabClickNetwork" else running._network  # type: ignore[union-attr]
        decoder = network.network if kind == "DeepLabClickNetwork" else network.decoder
        next(parameter for parameter in decoder.parameters() if parameter.ndim == 4).data.fill_(torch.inf)
    else:

        class Overflowing:
            def __init__(self, session: Any) -> None:
                self.session = session

            def run(self, *given: Any) -> list[Any]:
                return [part * np.inf for part in self.session.run(*given)]

        name = "_session" if kind == "DeepLabClickNetwork" else "_decoder"
        setattr(running, name, Overflowing(getattr(running, name)))
    with pytest.raises(AnswerError, match="model: its logits are NaN or infinite"):
        parser.parse(scene, [Click(20, 20, 1), Click(5, 5, 0)])


@pytest.mark.parametrize("field", ["temperature", "working_size", "multiple_of"])
@pytest.mark.parametrize("value", [float("nan"), 0, -1])
def test_a_description_with_numbers_that_cannot_be_is_refused(field: str, value: float, tmp_path: Path) -> None:
    described = {
        "format": 1, "name": "x", "version": "x-1", "labels": LABELS.to_dict(), "network": {"class": "x"},
        "working_size": 128, "multiple_of": 16, "sha256": {}, "temperature": 1.0,
    }  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(described))
    assert read_checkpoint(tmp_path).temperature == 1
    (tmp_path / "model.json").write_text(json.dumps({**described, field: value}))
    with pytest.raises(CheckpointError, match=rf"model\.json cannot be read \(({field} is|cannot convert float NaN)"):
        read_checkpoint(tmp_path)
