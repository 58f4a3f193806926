"""Trains a network that finds one part at a time: iDeepLab V3+, DEXTR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.evaluation.confusion import confusion_matrix, intersection_over_union
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.optimisers import OPTIMISER, OptimiserRecipe
from ihp_backend.learning.part_data import PartItem
from ihp_backend.learning.resumable_training import ResumableTraining
from ihp_backend.losses import BalancedCrossEntropy
from ihp_backend.networks.part_network import PartNetwork


class PartTraining(ResumableTraining):
    """A part network with its loss, optimiser and validation.

    Args:
        network: what is trained.
        encoder_weights: file with pretrained weights of the network's encoder; None starts it at random.
        loss: on logits of "not the part" (always 0) and "the part", without click maps, which makes a cross-entropy
            over labels a binary one; None: cross-entropy balanced between both, as DEXTR has it.
        optimiser: how weights are changed.
        loss_stride: the loss is taken on every n-th pixel in both directions.
        seed: of what is random inside the network.
    """

    network: PartNetwork

    def __init__(
        self,
        network: PartNetwork,
        encoder_weights: Path | None = None,
        loss: nn.Module | None = None,
        optimiser: OptimiserRecipe = OPTIMISER,
        loss_stride: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(network, encoder_weights, optimiser, seed)
        require("model", loss_stride=(loss_stride, 1))
        self.loss = loss or BalancedCrossEntropy(pixel_share=1.0)
        self.loss_stride = loss_stride
        self.confusion = np.zeros((2, 2), np.int64)

    def training_step(self, batch: PartItem, batch_index: int) -> Tensor:
        """The loss on the part."""
        image, part, guidance = batch
        stride = self.loss_stride
        logits = self._logits(image, guidance, [side // stride for side in part.shape[1:]])
        # The middle of each stride x stride square, to which a logit belongs.
        middle = slice(stride // 2, None, stride)
        wanted = part[:, middle, middle].long()
        no_clicks = torch.full_like(logits, 255, dtype=torch.uint8)
        loss: Tensor = self.loss(logits, wanted, no_clicks)
        self.log("loss", loss, prog_bar=True)
        return loss

    def validation_step(self, batch: PartItem, batch_index: int) -> Tensor:
        """Counts pixels; gives the logits."""
        image, part, guidance = batch
        logits = self._logits(image, guidance, list(part.shape[1:]))
        found = logits.argmax(1).to(torch.uint8)
        self.confusion += confusion_matrix(part.cpu().numpy(), found.cpu().numpy(), 2)
        return logits

    def on_validation_epoch_end(self) -> None:
        """Logs the IoU in percent of all parts' pixels together."""
        self.log("val_iou", float(intersection_over_union(self.confusion)[1] * 100), prog_bar=True)
        self.confusion[:] = 0

    def _logits(self, image: Tensor, guidance: Tensor, size: list[int]) -> Tensor:
        """Logits of "not the part" and "the part", float (N, 2, *size)."""
        part = self.network.foreground(image, guidance)
        part = interpolate(part.float(), size=size, mode="bilinear", align_corners=False)
        return torch.cat([torch.zeros_like(part), part], 1)
