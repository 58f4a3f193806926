"""Parsing training: shared by trainings that are judged by the mIoU of whole parsings after the first clicks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ihp_backend.evaluation.confusion import confusion_matrix, mean_iou
from ihp_backend.learning.optimisers import OptimiserRecipe
from ihp_backend.learning.resumable_training import ResumableTraining


class ParsingTraining(ResumableTraining):
    """A training that logs ``val_miou``.

    Args:
        network, encoder_weights, optimiser, seed: see ``ResumableTraining``.
        num_labels: of the parsings.
    """

    def __init__(
        self,
        network: nn.Module,
        encoder_weights: Path | None,
        optimiser: OptimiserRecipe,
        seed: int,
        num_labels: int,
    ) -> None:
        super().__init__(network, encoder_weights, optimiser, seed)
        self.num_labels = num_labels
        self.confusion = np.zeros((num_labels, num_labels), np.int64)

    def count(self, parsing: Tensor, logits: Tensor) -> None:
        """Counts the pixels of a batch.

        Args:
            parsing: uint8 (N, H, W), the true one.
            logits: float (N, num_labels, H, W).
        """
        for true, found in zip(parsing.cpu().numpy(), logits.argmax(1).cpu().numpy(), strict=True):
            self.confusion += confusion_matrix(true, found.astype(np.uint8), self.num_labels)

    def on_validation_epoch_end(self) -> None:
        """Logs the mIoU of the photographs of all processes together, in percent."""
        together = self.all_gather(torch.from_numpy(self.confusion))
        assert isinstance(together, Tensor)
        confusion = together.reshape(-1, self.num_labels, self.num_labels).sum(0).cpu().numpy()
        self.log("val_miou", mean_iou(confusion), prog_bar=True, rank_zero_only=True)
        self.confusion[:] = 0
