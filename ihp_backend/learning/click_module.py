"""Trains a click network: the paper's way, with clicks made once per view, or with clicks that answer its mistakes.

With ``corrected`` above 0 every step first looks at what the network makes of the view's clicks and, in part of the
samples, adds the corrections a person would make, several at once; the loss is taken after them. Without this a
network learns to read clicks but not to give way to them.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.clicks import add_click, correction_clicks
from ihp_backend.learning.click_views import Item
from ihp_backend.learning.hyperparameters import require
from ihp_backend.learning.optimisers import OPTIMISER, OptimiserRecipe
from ihp_backend.learning.parsing_training import ParsingTraining
from ihp_backend.losses import SemanticPerceivingLoss, WeightedCrossEntropy, inverse_log_weights
from ihp_backend.networks.click_network import ClickNetwork


class ClickTraining(ParsingTraining):
    """A click network with its losses, optimiser and validation.

    Args:
        network: what is trained.
        encoder_weights: file with pretrained weights of the network's encoder; None starts it at random.
        loss: on the logits; None: ``WeightedCrossEntropy``, its labels weighed by how rare they are.
        semantic_perceiving: the paper's loss on the embedding, or None.
        semantic_perceiving_weight: its factor (the paper's lambda: 1 with random, 3 with near-edge clicks).
        click_weight: of the default loss, see ``WeightedCrossEntropy``.
        optimiser: how weights are changed.
        corrected: share of samples that get corrections of the network's own mistakes.
        corrections_limit: largest number of them.
        loss_stride: the loss on the logits is taken on every n-th pixel in both directions.
        seed: of the corrections and of all that is random inside the network and its losses.
    """

    network: ClickNetwork

    def __init__(
        self,
        network: ClickNetwork,
        encoder_weights: Path | None = None,
        loss: nn.Module | None = None,
        semantic_perceiving: SemanticPerceivingLoss | None = None,
        semantic_perceiving_weight: float = 1.0,
        click_weight: float = 4.0,
        optimiser: OptimiserRecipe = OPTIMISER,
        corrected: float = 0.6,
        corrections_limit: int = 8,
        loss_stride: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__(network, encoder_weights, optimiser, seed, network.num_labels)
        require("model", semantic_perceiving_weight=(semantic_perceiving_weight, 0), click_weight=(click_weight, 0))
        require("model", corrected=(corrected, 0, 1), corrections_limit=(corrections_limit, 1))
        require("model", loss_stride=(loss_stride, 1))
        # Registered now so that a checkpoint finds its place for the weights before the data are known.
        self.loss = loss or WeightedCrossEntropy(torch.ones(network.num_labels), click_weight)
        self.semantic_perceiving = semantic_perceiving
        self.semantic_perceiving_weight = semantic_perceiving_weight
        self.corrected, self.corrections_limit = corrected, corrections_limit
        self.loss_stride = loss_stride

    def on_fit_start(self) -> None:
        """Weighs the labels by how rare they are in the training split."""
        if isinstance(self.loss, WeightedCrossEntropy):
            self.loss.label_weights.copy_(inverse_log_weights(self._data.label_frequency()))

    def training_step(self, batch: Item, batch_index: int) -> Tensor:
        """The loss after the corrections of this step."""
        image, parsing, maps = batch
        if self.corrected > 0:
            self._add_corrections(image, parsing, maps, batch_index)
        decoded = self.network.decode(self.network.encode(image), maps)
        stride = self.loss_stride
        size = [side // stride for side in parsing.shape[1:]]
        logits = interpolate(decoded.logits.float(), size=size, mode="bilinear", align_corners=False)
        # A logit belongs to the middle of its stride x stride square, a click anywhere in the square to the logit.
        middle = slice(stride // 2, None, stride)
        rows = reduce(torch.minimum, [maps[:, :, offset::stride] for offset in range(stride)])
        nearest = reduce(torch.minimum, [rows[..., offset::stride] for offset in range(stride)])
        loss: Tensor = self.loss(logits, parsing[:, middle, middle].long(), nearest)
        if self.semantic_perceiving is not None:
            perceived = self.semantic_perceiving(decoded.embedding, parsing.long(), maps)
            self.log_dict({"pixel_loss": loss, "semantic_perceiving": perceived.loss, "active_pairs": perceived.active})
            loss = loss + self.semantic_perceiving_weight * perceived.loss
        self.log("loss", loss, prog_bar=True)
        return loss

    @torch.no_grad()
    def _add_corrections(self, image: Tensor, parsing: Tensor, maps: Tensor, batch_index: int) -> None:
        """Stamps corrections of the network's present answer into ``maps``, in place."""
        rng = np.random.default_rng([*self.step_key(), batch_index])
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

    def validation_step(self, batch: Item, batch_index: int) -> Tensor:
        """Counts pixels after the first clicks; gives the logits."""
        image, parsing, maps = batch
        logits: Tensor = self.network(image, maps).float()
        self.count(parsing, interpolate(logits, size=parsing.shape[1:], mode="bilinear", align_corners=False))
        return logits
