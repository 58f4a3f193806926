"""Step timing: the speed of a training, and the share of its time that is spent waiting for views."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class StepTiming(Callback):
    """Logs ``steps_per_second`` and ``share_waiting`` over the steps since they were logged last.

    Waiting is the time between the end of one step and the start of the next: loading and augmenting photographs and
    simulating their clicks, as far as the worker processes did not do it in the meantime. Validation and checkpoints
    between two steps do not count.
    """

    def __init__(self) -> None:
        self._ended: float | None = None
        self._began = 0.0
        self._waiting = self._working = 0.0
        self._steps = 0

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """A view has arrived."""
        self._began = time.perf_counter()
        if self._ended is not None:
            self._waiting += self._began - self._ended

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A step is done."""
        self._working += time.perf_counter() - self._began
        self._steps += 1
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            total = self._waiting + self._working
            pl_module.log_dict({"steps_per_second": self._steps / total, "share_waiting": self._waiting / total})
            self._waiting = self._working = 0.0
            self._steps = 0
        self._ended = time.perf_counter()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops the clock: validation is no waiting."""
        self._ended = None

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Stops the clock: saving a checkpoint is no waiting."""
        self._ended = None
