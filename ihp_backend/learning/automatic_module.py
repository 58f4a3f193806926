"""Trains an automatic parser: with its regions (RPR), with joints in its loss (SSL), or plainly."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ihp_backend.learning.automatic_data import Item
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.optimisers import OPTIMISER, OptimiserRecipe
from ihp_backend.learning.parsing_training import ParsingTraining
from ihp_backend.losses import ParserLoss
from ihp_backend.networks import AutomaticParser


class AutomaticTraining(ParsingTraining):
    """An automatic parser with its loss, optimiser and validation.

    Args:
        network: what is trained.
        encoder_weights: file with pretrained weights of the network's encoder; None starts it at random.
        loss: None: ``ParserLoss`` as it is.
        optimiser: how weights are changed.
        loss_stride: losses are taken on every n-th pixel in both directions.
        seed: of all that is random inside the network.
    """

    network: AutomaticParser

    def __init__(
        self,
        network: AutomaticParser,
        encoder_weights: Path | None = None,
        loss: ParserLoss | None = None,
        optimiser: OptimiserRecipe = OPTIMISER,
        loss_stride: int = 2,
        seed: int = 0,
    ) -> None:
        # A sixth faster on a CPU.
        network.to(memory_format=torch.channels_last)
        super().__init__(network, encoder_weights, optimiser, seed, network.num_labels)
        require("model", loss_stride=(loss_stride, 1))
        self.loss = loss or ParserLoss()
        joints = self.loss.structure.joints if self.loss.structure else {}
        for name, ids in joints.items():
            if wrong := [label for label in ids if not 0 <= label < network.num_labels]:
                raise ValueError(
                    f"model.loss.structure.joints: {name} has the id {wrong[0]}; ids go from 0 to "
                    f"{network.num_labels - 1}"
                )
        self.loss_stride = loss_stride

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """The sum of the losses, which are logged one by one."""
        image, parsing = batch
        middle = slice(self.loss_stride // 2, None, self.loss_stride)
        image = image.contiguous(memory_format=torch.channels_last)
        losses = self.loss(self.network.outputs(image), parsing[:, middle, middle].long(), self.network.regions)
        loss = torch.stack(list(losses.values())).sum()
        self.log("loss", loss, prog_bar=True)
        if len(losses) > 1:
            self.log_dict({f"{name}_loss": value for name, value in losses.items()})
        return loss

    def validation_step(self, batch: Item, batch_index: int) -> Tensor:
        """Counts pixels; gives the logits."""
        image, parsing = batch
        logits = self.network.encode(image).logits.float()
        self.count(parsing, interpolate(logits, size=parsing.shape[1:], mode="bilinear", align_corners=False))
        return logits
