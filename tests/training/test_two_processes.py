"""Two processes that train together, and go on together after an interruption."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch

NETWORK = """
trainer:
  accelerator: cpu
  devices: 2
  strategy: ddp
  max_epochs: 1
  log_every_n_steps: 1
  num_sanity_val_steps: 0
  enable_progress_bar: false
  callbacks:
    - class_path: lightning.pytorch.callbacks.ModelCheckpoint
      init_args: {every_n_train_steps: 2, save_last: true, save_top_k: -1, enable_version_counter: false}
    - class_path: lightning.pytorch.callbacks.EMAWeightAveraging
    - class_path: lightning.pytorch.callbacks.LearningRateMonitor
    - class_path: ihp_backend.learning.sample_pictures.SamplePictures
    - class_path: ihp_backend.learning.step_timing.StepTiming
model:
  network:
    class_path: ihp_backend.networks.DeepLabClickNetwork
    init_args: {num_labels: 24, decoder_channels: 16}
data: {dataset: ccp, steps: 4, batch_size: 2, size: [64, 64], workers: 0, validation_photographs: 3}
"""


def fit(root: Path, folder: Path, *more: str) -> None:
    config = folder.parent / "config.yaml"
    config.write_text(NETWORK)
    command = [
        sys.executable,
        "-m",
        "training.train",
        "fit",
        "--config",
        str(config),
        "--run",
        str(folder),
        "--check_export=false",
    ]
    command += ["--data.root", str(root), *more]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def logged(folder: Path, column: str) -> dict[int, float]:
    files = (folder / "log").glob("version_*/metrics.csv")
    rows = [row for file in files for row in csv.DictReader(file.open())]
    return {int(row["step"]): float(row[column]) for row in rows if row.get(column)}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_go_on_to_the_same_losses(ccp_tree: Path, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    fit(ccp_tree, whole)
    fit(ccp_tree, half, "--ckpt_path", str(whole / "checkpoints" / "epoch=0-step=2.ckpt"))
    assert set(logged(whole, "loss")) == {0, 1, 2, 3}
    second = logged(half, "loss")
    assert second == pytest.approx({step: logged(whole, "loss")[step] for step in (2, 3)}, rel=1e-4)
    assert logged(half, "val_miou") == pytest.approx(logged(whole, "val_miou"), rel=1e-4)
    weights = [
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"] for folder in (whole, half)
    ]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-3, atol=1e-5)
