"""Model folders that cannot be used say so."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ihp_backend.parsing import CheckpointError, Parser
from ihp_backend.parsing.checkpoint import model_folder, read_checkpoint


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the default model, to be damaged."""
    return Path(shutil.copytree(model_folder(), tmp_path / "model"))


def edit(folder: Path, **changes: object) -> None:
    described = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**described, **changes}))


def test_unknown_model() -> None:
    with pytest.raises(
        CheckpointError, match=r"'no-such' is neither a packaged model \(.*ccp-deeplab.*\) nor a folder"
    ):
        Parser.from_pretrained("no-such")


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_truncated_weights(copied: Path, engine: str) -> None:
    name = {"onnx": "encoder.onnx", "torch": "model.safetensors"}[engine]
    (copied / name).write_bytes((copied / name).read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match=rf"{name} \(100000 bytes\) does not have the sha256"):
        Parser.from_pretrained(copied, engine=engine)


def test_missing_weights(copied: Path) -> None:
    (copied / "decoder.onnx").unlink()
    with pytest.raises(CheckpointError, match=r"decoder\.onnx is missing; copy the whole model folder"):
        Parser.from_pretrained(copied)


def test_weights_of_another_network(copied: Path) -> None:
    edit(copied, network={"class": "DeepLabClickNetwork", "arguments": {"num_labels": 3}})
    with pytest.raises(CheckpointError, match=r"model\.safetensors does not fit its network"):
        Parser.from_pretrained(copied, engine="torch")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ("[" * 5000, "cannot be read"),
        ('{"format": 99}', "has format 99, this version reads 1"),
        ('{"format": 1, "name": "x"}', "field 'version' is missing"),
        ('{"format": 1, "name": "x", "version": "y", "labels": {"names": ["a", "a"]}}', "more than once"),
    ],
)
def test_malformed_description(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(tmp_path)


def test_a_size_without_an_end(copied: Path) -> None:
    edit(copied, working_size=float("inf"))
    with pytest.raises(CheckpointError, match=r"cannot be read .*copy the whole model folder again"):
        read_checkpoint(copied)


def test_unknown_engine() -> None:
    with pytest.raises(CheckpointError, match="engine: 'abacus' is unknown; choose 'onnx' or 'torch'"):
        Parser.from_pretrained(engine="abacus")
