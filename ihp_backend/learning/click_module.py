"""Trains a click network with clicks that answer its own mistakes.

Every step first looks at what the network makes of the initial clicks and, in part of the samples, adds the
corrections a person would make, several at once; the loss is taken after them. Without this a network learns to
read clicks but not to give way to them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import interpolate

from ihp_backend.clicks import add_click, correction_clicks
from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou
from ihp_backend.learning.click_data import ClickData, Item
from ihp_backend.losses import WeightedCrossEntropy, inverse_log_weights
from ihp_backend.networks.click_network import ClickNetwork
from ihp_backend.networks.weights import load_encoder_weights


class ClickTraining(LightningModule):
    """A click network with its loss, optimiser and validation.

    Args:
        network: what is trained.
        encoder_weights: file with pretrained weights of the network's encoder; None starts it at random.
        learning_rate: peak of the one-cycle schedule for all but the encoder.
        encoder_learning_rate: the same for the encoder.
        weight_decay: AdamW's.
        click_weight: see ``WeightedCrossEntropy``.
        corrected: share of samples that get corrections of the network's own mistakes.
        corrections_limit: largest number of them.
        loss_stride: the loss is taken on every n-th pixel in both directions.
        seed: of the corrections.
    """

    def __init__(
        self,
        network: ClickNetwork,
        encoder_weights: Path | None = None,
        learning_rate: float = 1e-3,
        encoder_learning_rate: float = 5e-4,
        weight_decay: float = 1e-2,
        click_weight: float = 4.0,
        corrected: float = 0.6,
        corrections_limit: int = 8,
        loss_stride: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.network = network
        self.encoder_weights = encoder_weights
        self.learning_rate, self.encoder_learning_rate = learning_rate, encoder_learning_rate
        self.weight_decay, self.click_weight = weight_decay, click_weight
        self.corrected, self.corrections_limit = corrected, corrections_limit
        self.loss_stride, self.seed = loss_stride, seed
        self.loss: WeightedCrossEntropy
        # Registered now so that a checkpoint finds its place for the weights before the data are known.
        self.loss = WeightedCrossEntropy(torch.ones(network.num_labels), click_weight)
        self.confusion = np.zeros((network.num_labels, network.num_labels), np.int64)
        if encoder_weights is not None:
            load_encoder_weights(network, encoder_weights)

    def on_fit_start(self) -> None:
        """Weighs the labels by how rare they are in the training split."""
        self.loss.label_weights.copy_(inverse_log_weights(self._data.label_frequency()))

    @property
    def _data(self) -> ClickData:
        return self.trainer.datamodule  # type: ignore[attr-defined]

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """The loss after the corrections of this step."""
        image, parsing, maps = batch
        self._add_corrections(image, parsing, maps, batch_index)
        stride = self.loss_stride
        logits = self.network(image, maps)
        logits = interpolate(
            logits.float(), size=[side // stride for side in parsing.shape[1:]], mode="bilinear", align_corners=False
        )
        # The middle of each stride x stride square, to which a half-resolution logit belongs.
        middle = slice(stride // 2, None, stride)
        loss = self.loss(logits, parsing[:, middle, middle].long(), maps[:, :, middle, middle])
        self.log("loss", loss, prog_bar=True)
        return loss

    @torch.no_grad()
    def _add_corrections(self, image: Tensor, parsing: Tensor, maps: Tensor, batch_index: int) -> None:
        """Stamps corrections of the network's present answer into ``maps``, in place."""
        rng = np.random.default_rng([self.seed, self.global_step, batch_index])
        chosen = np.flatnonzero(rng.random(len(image)) < self.corrected)
        if len(chosen) == 0:
            return
        index = torch.from_numpy(chosen).to(image.device)
        # In evaluation mode, as an annotator would see it, and so that batch statistics are not counted twice.
        self.network.eval()
        predicted = self.network(image[index], maps[index])
        self.network.train()
        predicted = interpolate(predicted.float(), size=parsing.shape[1:], mode="bilinear", align_corners=False)
        found = predicted.argmax(1).to(torch.uint8).cpu().numpy()
        for position, answer in zip(chosen, found, strict=True):
            count = int(rng.integers(1, self.corrections_limit + 1))
            changed = maps[position].cpu().numpy()
            for click in correction_clicks(parsing[position].cpu().numpy(), answer, rng, count):
                add_click(changed, click)
            maps[position] = torch.from_numpy(changed).to(maps.device)

    def validation_step(self, batch: Item, batch_index: int) -> None:
        """Counts pixels after the first clicks."""
        image, parsing, maps = batch
        logits = interpolate(self.network(image, maps).float(), size=parsing.shape[1:], mode="bilinear")
        for true, found in zip(parsing.cpu().numpy(), logits.argmax(1).cpu().numpy(), strict=True):
            self.confusion += confusion_matrix(true, found.astype(np.uint8), self.network.num_labels)

    def on_validation_epoch_end(self) -> None:
        """Logs mIoU after the first clicks over the validation photographs."""
        self.log("val_miou", mean_iou(self.confusion), prog_bar=True)
        self.confusion[:] = 0

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW with a one-cycle schedule over the steps that the data are planned for."""
        encoder = list(self.network.network.encoder.parameters())  # type: ignore[union-attr]
        inside = {id(parameter) for parameter in encoder}
        rest = [parameter for parameter in self.network.parameters() if id(parameter) not in inside]
        optimiser = torch.optim.AdamW(
            [
                {"params": encoder, "lr": self.encoder_learning_rate},
                {"params": rest, "lr": self.learning_rate},
            ],
            weight_decay=self.weight_decay,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser,
            max_lr=[self.encoder_learning_rate, self.learning_rate],
            total_steps=self._data.steps,
            pct_start=0.06,
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
