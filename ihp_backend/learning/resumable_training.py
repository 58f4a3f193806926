"""Resumable training: labels in the checkpoints, seeds per step and the optimiser, shared by every training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from ihp_backend.labels import LabelSet
from ihp_backend.learning.guard import Guard, last_checkpoint
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.optimisers import OptimiserRecipe
from ihp_backend.learning.stepwise_data import StepwiseData
from ihp_backend.networks.weights import differing, load_encoder_weights


class ResumableTraining(LightningModule):
    """A training that goes on after an interruption as if there had been none.

    Args:
        network: what is trained; its pretrained encoder, where it has one, is ``network.network.encoder``.
        encoder_weights: file with pretrained weights of that encoder; None starts it at random.
        optimiser: how weights are changed.
        seed: of all that is random inside the network and its losses.
    """

    def __init__(self, network: nn.Module, encoder_weights: Path | None, optimiser: OptimiserRecipe, seed: int) -> None:
        super().__init__()
        require("model", seed=(seed, 0))
        self.network = network
        if encoder_weights is not None:
            load_encoder_weights(network, encoder_weights)
        self.optimiser, self.seed = optimiser, seed

    @property
    def _data(self) -> StepwiseData[Any]:
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def setup(self, stage: str) -> None:
        """Compares a network that counts labels with the data before anything is trained."""
        known, wanted = len(self._data.labels), getattr(self.network, "num_labels", None)
        if wanted not in (None, known):
            raise ValueError(
                f"model.network.num_labels: {wanted} given, but {self._data.dataset} has {known} labels; give {known}"
            )

    def configure_callbacks(self) -> list[Callback]:
        """The guard watches over every training."""
        return [Guard()]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Lets the checkpoint carry its labels."""
        checkpoint["labels"] = self._data.labels.to_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses to go on with a checkpoint of another training; one that names no labels is taken as it is.

        The rates and the decay are those that are given now.
        """
        given = LabelSet.from_dict(checkpoint["labels"]).names if "labels" in checkpoint else None
        if self._trainer is not None and given not in (None, self._data.labels.names):
            raise ValueError(
                f"ckpt_path: the checkpoint knows the labels {', '.join(given or ())}, "
                f"{self._data.dataset} has {', '.join(self._data.labels.names)}; take one trained on the same labels"
            )
        self._check_weights(checkpoint.get("state_dict", {}))
        fitting = self._trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        changes = self.optimiser.take_over(checkpoint, self._data.steps) if fitting else ""
        if changes:
            rank_zero_info(f"model.optimiser: goes on with {changes}")

    def _check_weights(self, given: dict[str, Tensor]) -> None:
        different = differing(self.state_dict(), given) if given else []
        if different:
            raise ValueError(
                f"ckpt_path: the checkpoint is of another network, {len(different)} tensors differ (first: "
                f"{different[0]}); take one of the same model, or give another --run"
            )

    def on_train_epoch_end(self) -> None:
        """Keeps the last steps, which the checkpoint after every so many steps leaves out."""
        # Not after the training: its averaged weights have then taken the place of the others.
        last = last_checkpoint(self.trainer)
        if last is not None:
            self.trainer.save_checkpoint(last)

    def on_train_batch_start(self, batch: Any, batch_index: int) -> None:
        """Seeds what is random in this step from its number, so that a resumed training draws what it would have."""
        torch.manual_seed(int(np.random.default_rng(self.step_key()).integers(2**62)))

    def step_key(self) -> list[int]:
        """Numbers that stand for this step of this process, to seed generators with."""
        # The first process has the same ones as when there is only one.
        return [self.seed, self.global_step, *([self.global_rank] if self.global_rank else [])]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """The optimiser and its schedule over the steps that the data are planned for."""
        return self.optimiser.build(self.network, self._data.steps)
