"""A few steps of part networks: the loss falls, a stopped training goes on with the views it would have seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ihp_backend.labels import CCP
from ihp_backend.learning.optimisers import OptimiserRecipe
from ihp_backend.learning.part_clicks import ClickedPart
from ihp_backend.learning.part_data import PartData, PartItem, PartView
from ihp_backend.learning.part_extreme_points import ExtremePointPart
from ihp_backend.learning.part_module import PartTraining
from ihp_backend.losses import CrossEntropy
from ihp_backend.networks import ExtremePointDeepLab, InteractiveDeepLab, PartNetwork
from ihp_backend.networks.extreme_points import ExtremePointView

TINY = {"encoder": "tu-test_resnet", "decoder_channels": 16}


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread than they gain by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trainer(steps: int, folder: Path, *callbacks: Callback) -> Trainer:
    return Trainer(
        max_steps=steps, accelerator="cpu", logger=False, default_root_dir=folder, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, callbacks=list(callbacks), enable_checkpointing=False,
    )  # fmt: skip


class Watcher(Callback):
    """Notes every step's loss and the mean of its guidance."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.guidance: list[float] = []

    def on_train_batch_end(self, trainer, module: LightningModule, outputs, batch: PartItem, index: int) -> None:  # type: ignore[no-untyped-def]
        self.losses.append(float(outputs["loss"]))
        self.guidance.append(float(batch[2].double().mean()))


@pytest.mark.parametrize(
    ("network", "view"),
    [
        (InteractiveDeepLab(24, **TINY), ClickedPart(size=(96, 64))),  # type: ignore[arg-type]
        (ExtremePointDeepLab(**TINY), ExtremePointPart(ExtremePointView(side=64))),  # type: ignore[arg-type]
    ],
)
def test_the_loss_falls(ccp_tree: Path, tmp_path: Path, network: PartNetwork, view: PartView) -> None:
    data = PartData(ccp_tree, view, steps=30, batch_size=4, validation_parts=4, workers=0)
    recipe = OptimiserRecipe(learning_rate=1e-2, encoder_learning_rate=None)
    module, watcher = PartTraining(network, loss=CrossEntropy(), optimiser=recipe), Watcher()
    fit = trainer(30, tmp_path, watcher)
    fit.fit(module, data)
    assert sum(watcher.losses[-5:]) < 0.7 * sum(watcher.losses[:5])
    assert 0 <= fit.callback_metrics["val_iou"] <= 100


def test_a_stopped_training_goes_on_with_the_next_views(ccp_tree: Path, tmp_path: Path) -> None:
    def fit(steps: int, ckpt_path: Path | None = None) -> tuple[Watcher, Trainer]:
        torch.manual_seed(0)
        module = PartTraining(InteractiveDeepLab(24, **TINY))  # type: ignore[arg-type]
        data = PartData(ccp_tree, ClickedPart(size=(64, 64)), steps=4, batch_size=2, validation_parts=2, workers=0)
        watcher = Watcher()
        done = trainer(steps, tmp_path, watcher)
        done.fit(module, data, ckpt_path=ckpt_path, weights_only=True)
        return watcher, done

    whole, _ = fit(4)
    begun, stopped = fit(2)
    stopped.save_checkpoint(tmp_path / "stopped.ckpt")
    assert torch.load(tmp_path / "stopped.ckpt", weights_only=True)["labels"]["names"] == list(CCP.names)
    ended, _ = fit(4, tmp_path / "stopped.ckpt")
    assert begun.guidance + ended.guidance == whole.guidance
    assert begun.losses + ended.losses == pytest.approx(whole.losses, rel=1e-4)


def test_a_network_for_other_labels_is_refused(ccp_tree: Path, tmp_path: Path) -> None:
    module = PartTraining(InteractiveDeepLab(18, **TINY))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"num_labels: 18 given, but ccp has 24 labels; give 24"):
        trainer(1, tmp_path).fit(module, PartData(ccp_tree, ClickedPart(), workers=0))


def test_the_default_loss_gives_part_and_rest_the_same_weight() -> None:
    module = PartTraining(ExtremePointDeepLab(**TINY))  # type: ignore[arg-type]
    part = torch.zeros(1, 8, 8, dtype=torch.int64)
    part[0, 0, :4] = 1
    logits = torch.randn(1, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    losses = torch.nn.functional.cross_entropy(logits, part, reduction="none")
    wanted = (losses[part == 1].mean() + losses[part == 0].mean()) / 2
    torch.testing.assert_close(module.loss(logits, part, torch.full((1, 2, 8, 8), 255, dtype=torch.uint8)), wanted)
