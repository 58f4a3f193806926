"""The prior of a live network, trained alone from the command line, in miniature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ihp_backend.datasets import CcpDataset
from ihp_backend.learning.automatic_data import ParserViews, repeat_chances
from ihp_backend.learning.prior_module import PriorTraining
from ihp_backend.networks.live import LiveNetwork
from tests.live_exports import TINY
from training import train_prior


def test_photographs_with_rare_labels_come_more_often(ccp_tree: Path) -> None:
    samples = CcpDataset(ccp_tree, "train")
    chances = repeat_chances(samples, 0.9)
    shows = [set(np.unique(samples[number].parsing).tolist()) - {255} for number in range(len(samples))]
    expected = []
    for its in shows:
        shares = [sum(label in others for others in shows) / len(shows) for label in its]
        expected.append(max(max(1.0, (0.9 / share) ** 0.5) for share in shares))
    assert chances == pytest.approx(np.array(expected) / sum(expected))
    assert chances.sum() == pytest.approx(1)


def test_views_are_drawn_by_these_chances(ccp_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ihp_backend.learning.automatic_data.repeat_chances", lambda *_: np.array([0.1, 0.7, 0.2, 0]))
    samples = CcpDataset(ccp_tree, "train")
    views = ParserViews(samples, 400, 0, (96, 64), (0.5, 1.5), 0, colours=False, repeat_below=0.5)
    drawn = [samples.ids.index(views.id_of(number)) for number in range(400)]
    assert np.bincount(drawn, minlength=4) / 400 == pytest.approx(np.array([0.1, 0.7, 0.2, 0]), abs=0.07)
    again = ParserViews(samples, 400, 0, (96, 64), (0.5, 1.5), 0, colours=False, repeat_below=0.5)
    assert torch.equal(views[37][0], again[37][0])


def test_only_the_prior_learns(ccp_tree: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = LiveNetwork(24, **TINY)
    save_file(before.state_dict(), tmp_path / "start.safetensors")
    network = {"class_path": "ihp_backend.networks.live.LiveNetwork",
               "init_args": {"num_labels": 24, **TINY, "prior_context": True}}  # fmt: skip
    monkeypatch.setattr("sys.argv", [
        "train_prior", "fit", "--run", str(tmp_path / "run"), "--check_export", "false",
        "--data.root", str(ccp_tree), "--data.steps", "3", "--data.batch_size", "2", "--data.size", "[64, 64]",
        "--data.workers", "0", "--data.repeat_below", "0.5", "--data.validation_photographs", "1",
        "--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false",
        "--trainer.callbacks", "[{class_path: ihp_backend.learning.sample_pictures.SamplePictures}, {class_path: "
        "lightning.pytorch.callbacks.ModelCheckpoint, init_args: {save_last: true}}]",
        "--model.network", json.dumps(network), "--model.start", str(tmp_path / "start.safetensors"),
    ])  # fmt: skip
    train_prior.main()
    assert list(tmp_path.glob("run/log/version_0/pictures/*.png"))
    state = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    after = {name.removeprefix("network."): tensor for name, tensor in state.items()}
    started = load_file(tmp_path / "start.safetensors")
    learned = {name for name, tensor in started.items() if not torch.equal(after[name], tensor)}
    assert learned == {"network.classify.weight", "network.classify.bias"}
    assert (after["network.classify.weight"][:, TINY["width"] :] != 0).any()
    assert len(after) > len(started)


def test_a_network_without_a_context_has_nothing_to_learn() -> None:
    with pytest.raises(ValueError, match=r"model\.network\.prior_context: false given"):
        PriorTraining(LiveNetwork(24, **TINY), Path("start.safetensors"))
