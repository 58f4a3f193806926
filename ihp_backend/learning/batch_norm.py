"""Batch norm for averaged weights, taken anew, since no view has passed through them (as SCHP does, Li et al. 2020)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader, Subset

from ihp_backend.learning.guard import last_checkpoint
from ihp_backend.learning.hyperparameters import require
from ihp_backend.networks.weights import read_training_checkpoint
from ihp_backend.storage.atomic_files import whole_file


class ReestimatedBatchNorm(Callback):
    """After the training, takes the mean and the variance of every batch norm from views of the training.

    Give it behind ``EMAWeightAveraging``. The last checkpoint gets what was found.

    Args:
        batches: of views that are looked at, the first ones.
    """

    def __init__(self, batches: int = 50) -> None:
        require("ReestimatedBatchNorm", batches=(batches, 1))
        self.batches = batches

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Looks at the views, once the averaged weights have taken the place of the others."""
        file = last_checkpoint(trainer)
        if file is None or trainer.interrupted or not trainer.is_global_zero:
            return
        network: nn.Module = pl_module.network  # type: ignore[assignment]
        data = trainer.datamodule  # type: ignore[attr-defined]
        views = data.views()
        chosen = Subset(views, range(min(self.batches * data.batch_size, len(views))))
        reestimate(network, DataLoader(chosen, data.batch_size, drop_last=True), pl_module.device)
        checkpoint = read_training_checkpoint(file, "checkpoint")
        checkpoint["state_dict"] |= {f"network.{name}": value.cpu() for name, value in network.state_dict().items()}
        with whole_file(file) as written:
            torch.save(checkpoint, written)


@torch.no_grad()
def reestimate(network: nn.Module, batches: Iterable[Sequence[Tensor]], device: torch.device) -> None:
    """Takes the statistics of all batch norms of a network from batches of (image, parsing[, localization maps])."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # All batches count alike.
    network.train()
    for image, _, *maps in batches:
        network(image.to(device), maps[0].to(device) if maps else None)
    network.eval()
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
