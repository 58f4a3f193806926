"""The mean of models' weights, as a user makes it; writing a model folder has tests of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from ihp_backend.labels import CCP, LabelSet
from ihp_backend.parsing.checkpoint import PACKAGED
from training import average


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the command would write into a model folder."""
    calls: list[tuple[Any, ...]] = []

    def write(*arguments: Any) -> float:
        calls.append(arguments)
        return 0.0

    monkeypatch.setattr(average, "write_model_folder", write)
    return calls


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The packaged live network with other weights."""
    folder = Path(shutil.copytree(PACKAGED / "ccp-live", tmp_path / "other"))
    weights = load_file(folder / "model.safetensors")
    torch.manual_seed(0)
    save_file(
        {name: one + torch.randn_like(one) if one.is_floating_point() else one + 7 for name, one in weights.items()},
        folder / "model.safetensors",
    )
    return folder


def test_every_tensor_is_the_mean(written: list[tuple[Any, ...]], other: Path, tmp_path: Path) -> None:
    average.main(["ccp-live", str(other)], tmp_path / "both")
    ((out, name, network, weights, labels, working_size, temperature, _),) = written
    assert (out, name, labels, working_size, temperature) == (tmp_path / "both", "both", CCP, 512, None)
    assert network["class"] == "LiveNetwork"
    first, second = (load_file(folder / "model.safetensors") for folder in (PACKAGED / "ccp-live", other))
    assert weights.keys() == first.keys()
    for key, tensor in weights.items():
        wanted = (first[key].double() + second[key].double()) / 2 if tensor.is_floating_point() else first[key]
        torch.testing.assert_close(tensor.double(), wanted.double())


def test_what_has_no_mean_is_refused(written: list[tuple[Any, ...]], other: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="average: models: 1 given; give at least two"):
        average.main(["ccp-live"], tmp_path / "out")
    with pytest.raises(SystemExit, match="network or labels of ccp-deeplab are not those of ccp-live"):
        average.main(["ccp-live", "ccp-deeplab"], tmp_path / "out")
    with pytest.raises(SystemExit, match=r"average: .*nowhere"):
        average.main(["ccp-live", "nowhere"], tmp_path / "out")
    weights = load_file(other / "model.safetensors")
    weights["more"] = torch.zeros(1)
    save_file(weights, other / "model.safetensors")
    with pytest.raises(SystemExit, match=r"models: more of .*other is not as in ccp-live"):
        average.main(["ccp-live", str(other)], tmp_path / "out")
    description = json.loads((other / "model.json").read_text())
    description["labels"] = LabelSet(CCP.names[:-1]).to_dict()
    (other / "model.json").write_text(json.dumps(description))
    with pytest.raises(SystemExit, match=r"network or labels of .*other"):
        average.main(["ccp-live", str(other)], tmp_path / "out")
    assert not written
