"""Training from the command line to a model folder that serves, in miniature."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
import typer
from typer.testing import CliRunner

from ihp_backend.clicks import Click
from ihp_backend.datasets import CcpDataset
from ihp_backend.labels import CCP
from ihp_backend.learning.click_data import ClickData, ClickedViews, ClickRecipe
from ihp_backend.learning.click_module import ClickTraining
from ihp_backend.networks import DeepLabClickNetwork
from ihp_backend.parsing import Parser
from training import evaluate, export, train

ROOT = Path(__file__).parents[2]


def views(root: Path, seed: int = 0, recipe: ClickRecipe | None = None) -> ClickedViews:
    return ClickedViews(CcpDataset(root, "train"), 10, (96, 64), (0.5, 1.5), recipe or ClickRecipe(), seed)


def test_an_item_depends_on_the_seed_and_its_number_alone(ccp_tree: Path) -> None:
    first, again, other = views(ccp_tree), views(ccp_tree), views(ccp_tree, seed=1)
    _ = again[0], again[9]
    for left, right in zip(first[7], again[7], strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first[7][0], other[7][0])
    assert not torch.equal(first[3][0], first[7][0])  # The same photograph one epoch later is another view.


def test_every_photograph_comes_once_per_epoch(ccp_tree: Path) -> None:
    opened: list[int] = []

    class Watched(CcpDataset):
        def __getitem__(self, index: int):  # type: ignore[no-untyped-def]
            opened.append(index)
            return super().__getitem__(index)

    watched = ClickedViews(Watched(ccp_tree, "train"), 8, (96, 64), (0.5, 1.5), ClickRecipe(), 0)
    for number in range(8):
        _ = watched[number]
    assert sorted(opened[:4]) == sorted(opened[4:]) == [0, 1, 2, 3]


def test_clicks_are_true_in_the_view(ccp_tree: Path) -> None:
    for image, parsing, maps in (views(ccp_tree, recipe=ClickRecipe(without=0, extra=1))[n] for n in range(10)):
        assert image.shape == (3, 96, 64)
        labels, rows, columns = torch.nonzero(maps == 0, as_tuple=True)
        assert len(labels) > 0
        assert torch.equal(parsing[rows, columns].long(), labels)


def test_some_samples_have_no_click(ccp_tree: Path) -> None:
    assert all((views(ccp_tree, recipe=ClickRecipe(without=1))[n][2] == 255).all() for n in range(3))


def test_corrections_answer_the_networks_own_mistakes() -> None:
    network = DeepLabClickNetwork(24, decoder_channels=16)
    training = ClickTraining(network, corrected=1.0, corrections_limit=4)
    parsing = torch.zeros(3, 64, 64, dtype=torch.uint8)
    parsing[:, 10:40, 10:40] = 5
    image = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    maps = torch.full((3, 24, 64, 64), 255, dtype=torch.uint8)
    training._add_corrections(image, parsing, maps, 0)
    places = torch.nonzero(maps == 0)
    assert 3 <= len(places) <= 12
    assert all(parsing[n, y, x] == label for n, label, y, x in places.tolist())
    assert network.training


def run(command: Callable[..., None], *arguments: str) -> str:
    """What a command prints."""
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return done.output


# Of a whole network, as its configuration has it. test_resuming.py, training/test_not_finite.py, test_plain_deeplab.py
# and training/test_evaluate.py look at its steps one by one.
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_train_export_serve(ccp_tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.save(torchvision.models.mobilenet_v2(weights=None).state_dict(), tmp_path / "encoder.pth")
    folder = tmp_path / "run"
    fit = [
        "fit", "--config", str(ROOT / "training" / "configs" / "ccp_deeplab.yaml"), "--run", str(folder),
        "--check_export", "false",
        "--data.root", str(ccp_tree), "--model.encoder_weights", str(tmp_path / "encoder.pth"),
        "--data.steps", "16", "--data.batch_size", "2", "--data.size", "[64, 64]", "--data.workers", "0",
        "--trainer.val_check_interval", "16", "--trainer.precision", "32",
        "--trainer.callbacks", "[{class_path: lightning.pytorch.callbacks.EMAWeightAveraging}, {class_path: "
        "lightning.pytorch.callbacks.ModelCheckpoint, init_args: {save_last: true, every_n_train_steps: 2}}]",
    ]  # fmt: skip
    checkpoint = folder / "checkpoints" / "last.ckpt"
    killed = subprocess.Popen([sys.executable, "-m", "training.train", *fit], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not checkpoint.exists():
        assert killed.poll() is None, "the training ended before its first checkpoint"
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    assert torch.load(checkpoint, weights_only=True)["global_step"] < 16
    monkeypatch.setattr(sys, "argv", ["train", *fit])
    train.main()
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 16
    assert (folder / "finished").exists()

    run(export.main, str(checkpoint), "--out", str(tmp_path / "model"))
    parser = Parser.from_pretrained(tmp_path / "model")
    assert parser.labels == CCP
    image = CcpDataset(ccp_tree, "val")[0].image
    label_map = parser.parse(parser.open(image), [Click(30, 30, 7)]).label_map
    assert label_map.shape == image.shape[:2]
    assert label_map[30, 30] == 7

    out = tmp_path / "curve"
    measured = ["--data", str(ccp_tree), "--model", str(tmp_path / "model"), "--out", str(out)]
    shown = run(evaluate.main, *measured, "--corrections", "2", "--seeds", "2")
    assert "mIoU after corrections" in shown
    record = json.loads((out / "curve.json").read_text())
    assert np.array(record["mean_iou"]).shape == (2, 3)
    assert (out / "curve.png").stat().st_size > 5000
    assert (out / "curve.csv").read_text().startswith("corrections,seed 0,seed 1")


def test_label_frequency_counts_training_pixels(ccp_tree: Path) -> None:
    frequency = ClickData(ccp_tree).label_frequency()
    assert float(frequency.sum()) == pytest.approx(1)
    assert float(frequency[0]) > 0.3
    assert float(frequency[3]) == 0
