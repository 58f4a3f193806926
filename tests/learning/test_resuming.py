"""A training that was interrupted goes on as if it had not been."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from ihp_backend.labels import CCP
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining
from ihp_backend.learning.sample_pictures import SamplePictures
from ihp_backend.learning.step_timing import StepTiming
from ihp_backend.learning.stepwise_data import ResumableOrder
from ihp_backend.losses import SemanticPerceivingLoss
from ihp_backend.networks import DeepLabClickNetwork

STEPS = 5


class Interruption(Exception):
    pass


class PullThePlug(Callback):
    """Ends the training in the middle of a step, without any leave-taking."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: object) -> None:
        if trainer.global_step == self.step:
            raise Interruption


def fit(root: Path, folder: Path, *callbacks: Callback, checkpoint: Path | None = None) -> dict[int, float]:
    """Trains and gives the loss by step, as logged."""
    seed_everything(7)
    network = DeepLabClickNetwork(len(CCP), decoder_channels=16)
    module = ClickTraining(network, semantic_perceiving=SemanticPerceivingLoss(), corrected=0.5)
    data = ClickData(root, steps=STEPS, batch_size=2, size=(96, 64), workers=0, validation_photographs=1)
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=CSVLogger(folder),
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        callbacks=[ModelCheckpoint(folder / "checkpoints", every_n_train_steps=2, save_last=True), *callbacks],
    )
    trainer.fit(module, data, ckpt_path=str(checkpoint) if checkpoint else None)
    return losses(Path(trainer.log_dir or folder))


def losses(log: Path) -> dict[int, float]:
    with (log / "metrics.csv").open() as file:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file) if row.get("loss")}


@pytest.mark.timeout(300)
def test_an_interrupted_training_goes_on_to_the_same_losses(ccp_tree: Path, tmp_path: Path) -> None:
    whole = fit(ccp_tree, tmp_path / "whole", SamplePictures(1), StepTiming())
    assert list(whole) == list(range(STEPS))
    assert len(list((tmp_path / "whole").rglob("pictures/step-*.png"))) == 1
    ended = torch.load(tmp_path / "whole" / "checkpoints" / "last.ckpt", weights_only=True)["global_step"]
    assert ended == STEPS, "a checkpoint every other step would leave the fifth one out"

    with pytest.raises(Interruption):
        fit(ccp_tree, tmp_path / "halves", PullThePlug(3))
    last = tmp_path / "halves" / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 2
    second = fit(ccp_tree, tmp_path / "halves", checkpoint=last)
    assert list(second) == [2, 3, 4], "the step after the checkpoint is done again, the steps before it are not"
    for step, loss in second.items():
        assert loss == pytest.approx(whole[step], rel=1e-5)


def test_a_checkpoint_of_other_labels_is_refused(ccp_tree: Path) -> None:
    module = ClickTraining(DeepLabClickNetwork(len(CCP), decoder_channels=16))
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.datamodule = ClickData(ccp_tree)  # type: ignore[attr-defined]
    module.trainer = trainer
    module.on_load_checkpoint({"labels": CCP.to_dict()})
    with pytest.raises(ValueError, match="ckpt_path: the checkpoint knows the labels background, tail"):
        module.on_load_checkpoint({"labels": {"names": ["background", "tail"]}})


def test_a_network_that_does_not_fit_the_data_is_refused(ccp_tree: Path) -> None:
    module = ClickTraining(DeepLabClickNetwork(7, decoder_channels=16))
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    with pytest.raises(ValueError, match="num_labels: 7 given, but ccp has 24 labels"):
        trainer.fit(module, ClickData(ccp_tree))


def test_an_empty_split_is_an_error_before_training(tmp_path: Path) -> None:
    for folder in ("images", "masks24"):
        (tmp_path / folder).mkdir()
    (tmp_path / "split.json").write_text('{"train": [], "val": []}')
    with pytest.raises(ValueError, match="has no photographs"):
        ClickData(tmp_path).prepare_data()


@pytest.mark.parametrize(("start", "world"), [(0, 1), (6, 1), (0, 2), (4, 2)])
def test_processes_share_what_was_not_seen(start: int, world: int) -> None:
    orders = [ResumableOrder(10, start, rank, world) for rank in range(world)]
    assert sorted(number for order in orders for number in order) == list(range(start, 10))
    assert sum(len(order) for order in orders) == 10
