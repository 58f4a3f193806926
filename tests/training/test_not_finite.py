"""Trainings, exports and measurements of what is no number, from the command line: a sentence, and never success."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
import yaml
from typer.testing import CliRunner

from ihp_backend.exporting import ExportError, write_model_folder
from ihp_backend.exporting.onnx_networks import difference
from ihp_backend.labels import CCP, LabelSet
from ihp_backend.networks import DeepLabClickNetwork, LiveNetwork
from training.export import main as export
from training.train import main as train

ROOT = Path(__file__).parents[2]
LABELS = LabelSet(("background", "hat", "coat"))
CLICK: dict[str, Any] = {
    "class_path": "ihp_backend.networks.DeepLabClickNetwork",
    "init_args": {"num_labels": 24, "encoder": "tu-test_resnet", "decoder_channels": 16},
}
CONFIG = {
    "trainer": {
        "accelerator": "cpu", "log_every_n_steps": 1, "num_sanity_val_steps": 0, "enable_progress_bar": False,
        "callbacks": [
            {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging"},
            {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
             "init_args": {"every_n_train_steps": 1, "save_last": True}},
        ],
    },
    "model": {"network": CLICK},
    "data": {"dataset": "ccp", "steps": 3, "batch_size": 2, "size": [64, 64], "workers": 0},
}  # fmt: skip


def arguments(root: Path, folder: Path, *more: str) -> list[str]:
    config = folder / "given.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    return [
        "fit",
        "--config",
        str(config),
        "--run",
        str(folder / "run"),
        "--data.root",
        str(root),
        "--check_export=false",
        *more,
    ]


@pytest.mark.slow
def test_a_training_that_fails_ends_in_a_sentence_and_goes_on_with_a_smaller_rate(
    ccp_tree: Path, tmp_path: Path
) -> None:
    def python(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "training.train", *arguments(ccp_tree, tmp_path, *more)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    failed = python("--model.optimiser.learning_rate", "1e20", "--model.optimiser.encoder_learning_rate", "1e20")
    assert failed.returncode == 1
    assert "train: loss: nan in step 1 (photographs 000" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (tmp_path / "run" / "finished").exists()
    again = python("--model.optimiser.learning_rate", "1e-4")
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "run" / "finished").exists()


def content(kind: str) -> bytes:
    """A file that is no checkpoint to go on from."""
    network = DeepLabClickNetwork(**CLICK["init_args"])
    weights = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    made: dict[str, Any] = {"state_dict": weights, "pytorch-lightning_version": "2.6.0", "labels": CCP.to_dict()}
    if kind == "nan":
        next(iter(weights.values())).view(-1)[0] = torch.nan
    if kind == "other network":
        weights["network.more"] = weights.pop(next(iter(weights)))
    if kind == "other program":
        made = {"state_dict": {"module.weight": torch.zeros(2)}}
    if kind == "weights of an encoder":
        made = weights
    file = io.BytesIO()
    torch.save(torch.zeros(2) if kind == "tensor" else made, file)
    whole = file.getvalue()
    return {"empty": b"", "truncated": whole[: len(whole) // 2], "text": b"<html>404</html>"}.get(kind, whole)


BROKEN = [
    ("empty", r"is empty \(0 bytes\)"),
    ("truncated", r"\(\d+ bytes\) is truncated, or torch did not write it"),
    ("text", r"\(16 bytes\) is truncated, or torch did not write it"),
    ("tensor", "holds one Tensor"),
    ("weights of an encoder", "is no checkpoint of a training"),
    ("other program", "is no checkpoint of a training"),
    ("nan", r"is of a training that failed \(network\.\S+ holds nan\)"),
]


@pytest.mark.parametrize(("kind", "message"), BROKEN)
@pytest.mark.parametrize("given", [False, True], ids=["found", "given"])
def test_a_training_does_not_go_on_from_what_is_no_checkpoint(
    kind: str, message: str, given: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    last.parent.mkdir(parents=True)
    last.write_bytes(content(kind))
    more = ["--ckpt_path", str(last)] if given else []
    monkeypatch.setattr(sys, "argv", ["train", *arguments(tmp_path, tmp_path, *more)])
    with pytest.raises(SystemExit, match=rf"^train: ckpt_path: \S*last\.ckpt {message}") as refused:
        train()
    assert ("is removed, the training begins anew" in str(refused.value)) is not given
    assert last.exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [*BROKEN, ("other network", r"weights: 2 tensors differ from those of DeepLabClickNetwork \(first: ")],
)
def test_such_a_checkpoint_is_not_exported(kind: str, message: str, tmp_path: Path) -> None:
    command = typer.Typer()
    command.command()(export)
    checkpoint = tmp_path / "run" / "checkpoints" / "last.ckpt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(content(kind))
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    refused = CliRunner().invoke(command, [str(checkpoint), "--out", str(tmp_path / "model")])
    assert refused.exit_code == 1
    assert isinstance(refused.exception, SystemExit)
    assert_matches(message, str(refused.output))
    assert not (tmp_path / "model").exists()


def assert_matches(message: str, text: str) -> None:
    import re

    assert re.search(message, " ".join(text.split())), text


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda tensor: tensor.view(-1)[:1].fill_(torch.nan), r"weights: \S+ holds nan; not exported"),
        (lambda tensor: tensor.view(-1)[:1].fill_(-torch.inf), r"weights: \S+ holds -inf; not exported"),
        (lambda tensor: tensor.view(-1)[:1].fill_(1e5), "holds inf in half precision, which ends at 65504"),
    ],
)
@pytest.mark.parametrize("live", [False, True], ids=["click", "live"])
def test_weights_that_are_no_numbers_are_not_exported(live: bool, spoil: Any, message: str, tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"num_labels": 3, "encoder": "tu-test_resnet", "decoder_channels": 16}
    if live:
        arguments = {"num_labels": 3, "width": 24, "embedding": 8, "widths": (8, 8, 8)}
    network = LiveNetwork(**arguments) if live else DeepLabClickNetwork(**arguments)
    weights = network.state_dict()
    spoil(next(tensor for tensor in weights.values() if tensor.ndim == 4))
    description = {"class": type(network).__name__, "arguments": arguments}
    with pytest.raises(ExportError, match=message):
        write_model_folder(tmp_path / "model", "bad", description, weights, LABELS, 128)
    assert not list(tmp_path.iterdir())


def test_finite_weights_whose_answers_are_none_are_not_exported(tmp_path: Path) -> None:
    arguments = {"num_labels": 3, "encoder": "tu-test_resnet", "decoder_channels": 16}
    network = DeepLabClickNetwork(**arguments)  # type: ignore[arg-type]
    weights = {
        name: tensor * 1e30 if name.endswith("weight") and tensor.ndim == 1 else tensor
        for name, tensor in network.state_dict().items()
    }
    with pytest.raises(ExportError, match="the network's answers in torch are not finite; not exported"):
        write_model_folder(
            tmp_path / "model", "bad", {"class": "DeepLabClickNetwork", "arguments": arguments}, weights, LABELS, 128
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_proves_nothing(value: float) -> None:
    numbers = np.arange(6, dtype=np.float32)
    broken = np.where(numbers == 3, np.float32(value), numbers)
    for found, wanted, named in (
        (broken, numbers, "ONNX Runtime"),
        (numbers, broken, "torch"),
        (broken, broken, "torch"),
    ):
        with pytest.raises(ExportError, match=f"answers in {named} are not finite"):
            difference(found, wanted)
    with pytest.raises(ExportError, match="the same everywhere"):
        difference(numbers, np.ones_like(numbers))
    assert difference(numbers + 1, numbers) == pytest.approx(1 / numbers.std())
    assert difference(numbers + 1, numbers, relative=False) == 1
