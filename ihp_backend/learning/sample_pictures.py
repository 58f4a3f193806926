"""Sample pictures: the network's answers on a few validation photographs, drawn after every validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ihp_backend.clicks import Click
from ihp_backend.evaluation.drawing import draw_parsing, side_by_side


class SamplePictures(Callback):
    """Writes ``pictures/step-N.png`` beside the log and, with a TensorBoard logger, into it.

    Each photograph is shown with its true parsing and with the network's, the clicks it was given drawn on both.

    Args:
        photographs: number of them, the first of the validation split.
    """

    def __init__(self, photographs: int = 4) -> None:
        self.photographs = photographs
        self._rows: list[np.ndarray] = []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: tuple[Tensor, ...],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draws one photograph while it is at hand.

        Args:
            trainer, pl_module, dataloader_idx: Lightning's.
            outputs: what the validation step gave, logits float (N, labels, ...).
            batch: images, parsings and, of click networks, localization maps.
            batch_idx: number of the batch.
        """
        if batch_idx >= self.photographs or trainer.sanity_checking or not trainer.is_global_zero:
            return
        labels = trainer.datamodule.labels  # type: ignore[attr-defined]
        image, parsing, *maps = (tensor[0].cpu() for tensor in batch)
        logits = interpolate(outputs[:1].float(), size=parsing.shape, mode="bilinear", align_corners=False)
        found = logits[0].argmax(0).to(torch.uint8).cpu().numpy()
        clicks = [Click(x, y, label) for one in maps for label, y, x in torch.nonzero(one == 0).tolist()]
        photograph = image.numpy().transpose(1, 2, 0)
        pictures = [draw_parsing(photograph, label_map, labels, clicks) for label_map in (parsing.numpy(), found)]
        self._rows.append(side_by_side(pictures))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the picture of this validation."""
        # Every process asks: the first one tells the others where it is, and would wait for them for ever.
        log_dir = trainer.log_dir
        if not self._rows:
            return
        picture, self._rows = side_by_side(self._rows, gap=16), []
        if log_dir:
            folder = Path(log_dir) / "pictures"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / f"step-{trainer.global_step:06}.png")
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("val", picture, trainer.global_step, dataformats="HWC")
