"""Guard: ends a training at the first number that is none, and keeps a checkpoint from which it can go on.

A loss or a weight that is NaN or infinite never becomes a number again, and its argmax is a label like any other: such
a training would run on, be judged and be saved. A checkpoint may hold finite weights and lead to NaN in the very next
step. So the one before it is kept until a finite loss proves the newer one.
"""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ihp_backend.learning.not_finite import NotFiniteError, of_step
from ihp_backend.learning.stepwise_data import StepwiseData
from ihp_backend.networks.weights import not_finite

BEFORE = "before-the-newest.ckpt"
"""The last proven checkpoint, as long as the newest is unproven. Lightning takes any name with "last" for the last."""

SMALLER = "give a smaller --model.optimiser.learning_rate, or a --trainer.gradient_clip_val"


class Guard(Callback):
    """Watches every training; ``ResumableTraining`` brings it along.

    Raises:
        NotFiniteError: the loss or a weight is not finite; no step is taken and nothing is saved with it.
        ValueError: a batch norm is to learn from a single value per channel, before the first step.
    """

    def __init__(self) -> None:
        self._rate = 0.0
        self._step = 0
        self._saved = self._proven = False
        self._failure: NotFiniteError | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lets every batch norm look at what it is given."""
        for module in pl_module.modules():
            if isinstance(module, _BatchNorm) and not isinstance(module, nn.SyncBatchNorm):
                module.register_forward_pre_hook(_several_values)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forgets what a training of old left, if this one begins anew."""
        if trainer.ckpt_path is None:
            self._drop_before(trainer)

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Looks at the loss; a finite one proves the weights it was made with."""
        self._step = trainer.global_step
        self._rate = max(group["lr"] for optimiser in trainer.optimizers for group in optimiser.param_groups)
        broken = not bool(loss.detach().isfinite().all())
        # All processes end together: one that went on would wait for the others for ever.
        if trainer.strategy.reduce_boolean_decision(broken, all=False):
            what = f"loss: {float(loss.detach())}" if broken else "loss: not finite in another process"
            raise self._failed(trainer, what)
        if not self._proven:
            self._proven = True
            self._drop_before(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Looks at the weights; Lightning saves checkpoints after this."""
        broken = not_finite(dict(chain(pl_module.named_parameters(), pl_module.named_buffers())))
        if trainer.strategy.reduce_boolean_decision(broken is not None, all=False):
            raise self._failed(trainer, "weights: " + (broken or "not finite in another process"))

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Looks at the logits that ``validation_step`` gives: the argmax of NaN is a label like any other."""
        broken = not bool(outputs.isfinite().all())
        if trainer.state.fn != TrainerFn.FITTING:
            if broken:
                raise NotFiniteError("ckpt_path: the network's answers are not finite; give another checkpoint")
        elif broken:
            raise self._failed(trainer, "logits: not finite for a validation photograph after what was learned")

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Lets nothing be saved that is not finite, averaged weights included; keeps the checkpoint before it."""
        if self._failure is not None:
            raise self._failure
        for weights in ("state_dict", "current_model_state"):
            if broken := not_finite(checkpoint.get(weights, {})):
                raise self._failed(trainer, f"weights: {broken}, so no checkpoint is written,")
        last = last_checkpoint(trainer)
        if self._proven and trainer.is_global_zero and last is not None and last.is_file():
            part = last.with_name(f".{BEFORE}.part")
            shutil.copy2(last, part)
            part.replace(last.with_name(BEFORE))
        self._proven, self._saved = False, True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The newest checkpoint is the result."""
        self._drop_before(trainer)

    def _failed(self, trainer: Trainer, what: str) -> NotFiniteError:
        data: StepwiseData[Any] = trainer.datamodule  # type: ignore[attr-defined]
        where = of_step(self._step, data.ids_of(self._step), self._rate)
        self._failure = NotFiniteError(f"{what} in {where}; {SMALLER}; the same command then {self._going_on(trainer)}")
        return self._failure

    def _going_on(self, trainer: Trainer) -> str:
        """How the training continues, in words; drops the newest checkpoint for the one before if it led here."""
        last = last_checkpoint(trainer)
        if last is not None and trainer.is_global_zero and not self._proven:
            before = last.with_name(BEFORE)
            if before.is_file():
                before.replace(last)
            elif self._saved:
                last.unlink(missing_ok=True)
            elif trainer.ckpt_path is not None:
                return f"fails again, since {trainer.ckpt_path} leads to it at once: go on from an earlier checkpoint"
        return f"goes on from {last}" if last is not None and last.is_file() else "begins anew"

    def _drop_before(self, trainer: Trainer) -> None:
        last = last_checkpoint(trainer)
        if last is not None and trainer.is_global_zero:
            last.with_name(BEFORE).unlink(missing_ok=True)


def last_checkpoint(trainer: Trainer) -> Path | None:
    """Path of the checkpoint from which an interrupted training goes on."""
    keeper = trainer.checkpoint_callback
    if not isinstance(keeper, ModelCheckpoint) or not keeper.save_last or not keeper.dirpath:
        return None
    return Path(keeper.dirpath) / f"{keeper.CHECKPOINT_NAME_LAST}{keeper.FILE_EXTENSION}"


def _several_values(module: nn.Module, given: tuple[Tensor, ...]) -> None:
    """Refuses to take a mean and a deviation of one value."""
    if module.training and given[0].numel() == given[0].shape[1]:
        raise ValueError(
            f"data.batch_size: {len(given[0])} is too small for this network's batch norm, which sees one value per "
            "channel; give 2 or more"
        )
