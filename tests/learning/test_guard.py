"""A training ends at the first number that is none, and its checkpoint leads on."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint

from ihp_backend.labels import CCP
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining
from ihp_backend.learning.live_data import LiveData
from ihp_backend.learning.live_module import LiveTraining
from ihp_backend.learning.not_finite import NotFiniteError
from ihp_backend.learning.optimisers import OptimiserRecipe
from ihp_backend.learning.part_clicks import ClickedPart
from ihp_backend.learning.part_data import PartData
from ihp_backend.learning.part_module import PartTraining
from ihp_backend.learning.resumable_training import ResumableTraining
from ihp_backend.learning.stepwise_data import StepwiseData
from ihp_backend.learning.sub_parts import SubPartRecipe
from ihp_backend.losses import SemanticPerceivingLoss
from ihp_backend.networks import DeepLabClickNetwork, InteractiveDeepLab, LiveNetwork
from ihp_backend.networks.weights import not_finite, read_training_checkpoint

TINY: dict[str, Any] = {"encoder": "tu-test_resnet", "decoder_channels": 16}
WILD = OptimiserRecipe(learning_rate=1e20, encoder_learning_rate=1e20)
STEPS = 4

Made = tuple[ResumableTraining, StepwiseData[Any]]


def click_training(root: Path, optimiser: OptimiserRecipe, **data: Any) -> Made:
    views = {"steps": STEPS, "batch_size": 2, "size": (64, 64), "workers": 0, "validation_photographs": 1, **data}
    return ClickTraining(DeepLabClickNetwork(len(CCP), **TINY), optimiser=optimiser), ClickData(root, **views)


def live_training(root: Path, optimiser: OptimiserRecipe, **data: Any) -> Made:
    views = {"steps": STEPS, "batch_size": 2, "size": (64, 64), "workers": 0, "validation_photographs": 1, **data}
    network = LiveNetwork(len(CCP), width=24, embedding=8, widths=(8, 8, 8))
    perceiving = SemanticPerceivingLoss(form="linear", margin=0.5)
    module = LiveTraining(network, semantic_perceiving=perceiving, optimiser=optimiser)
    return module, LiveData(root, sub_parts=SubPartRecipe(share=0.5), **views)


def part_training(root: Path, optimiser: OptimiserRecipe, **data: Any) -> Made:
    views = {"steps": STEPS, "batch_size": 2, "workers": 0, "validation_parts": 2, **data}
    module = PartTraining(InteractiveDeepLab(len(CCP), **TINY), optimiser=optimiser)
    return module, PartData(root, ClickedPart((64, 64)), **views)


EVERY_KIND = pytest.mark.parametrize("make", [click_training, live_training, part_training])


@pytest.fixture(autouse=True)
def single_thread() -> Iterator[None]:
    """Networks this small lose more by waiting for a second thread than they gain by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def fit(folder: Path, made: Made, *callbacks: Callback, checkpoint: Path | None = None, every: int = 1) -> Path:
    """Trains, with a checkpoint after every so many steps; gives the last one's path."""
    keeper = ModelCheckpoint(
        folder, every_n_train_steps=every, save_last=True, save_top_k=-1, enable_version_counter=False
    )
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", logger=False, default_root_dir=folder, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, callbacks=[*callbacks, keeper],
    )  # fmt: skip
    torch.manual_seed(0)
    trainer.fit(*made, ckpt_path=None if checkpoint is None else str(checkpoint))
    return folder / "last.ckpt"


class Spoil(Callback):
    """Makes something NaN in one step."""

    def __init__(self, step: int, what: str) -> None:
        self.step, self.what = step, what

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        if self.what == "gradient" and trainer.global_step == self.step:
            next(iter(pl_module.parameters())).grad.fill_(torch.nan)  # type: ignore[union-attr]

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if self.what == "statistics" and trainer.global_step == self.step + 1:
            next(tensor for name, tensor in pl_module.named_buffers() if "running_var" in name).fill_(torch.inf)


@EVERY_KIND
def test_it_ends_at_the_first_loss_that_is_no_number(make: Callable[..., Made], ccp_tree: Path, tmp_path: Path) -> None:
    pattern = r"^(loss: (nan|inf)|weights: .* holds \S+) in step [01] \(photographs? 000\d(, 000\d)?; learning rate "
    with pytest.raises(NotFiniteError, match=pattern) as refused:
        fit(tmp_path, make(ccp_tree, WILD), EMAWeightAveraging())
    assert "give a smaller --model.optimiser.learning_rate" in str(refused.value)
    assert "begins anew" in str(refused.value)
    # Its weights after the first step were finite, but led to this.
    assert not (tmp_path / "last.ckpt").exists()


def test_the_message_names_the_photographs_of_the_step(ccp_tree: Path, tmp_path: Path) -> None:
    module, data = click_training(ccp_tree, WILD)
    shown = [data.ids_of(step) for step in range(2)]
    assert sorted(shown[0] + shown[1]) == ["0000", "0001", "0002", "0003"], "an epoch of four photographs"
    with pytest.raises(NotFiniteError, match=rf"step 1 \(photographs {', '.join(shown[1])};"):
        fit(tmp_path, (module, data))


@pytest.mark.parametrize(("what", "named"), [("gradient", "holds nan"), ("statistics", "holds inf")])
def test_weights_that_are_no_numbers_are_not_saved(what: str, named: str, ccp_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFiniteError, match=rf"^weights: network\.\S+ {named} in step 2 .*goes on from .*last\.ckpt"):
        fit(tmp_path, click_training(ccp_tree, OptimiserRecipe()), Spoil(2, what))
    kept = read_training_checkpoint(tmp_path / "last.ckpt", "test")
    assert kept["global_step"] == 2
    assert not_finite(kept["state_dict"]) is None
    last = fit(tmp_path, click_training(ccp_tree, OptimiserRecipe()), checkpoint=tmp_path / "last.ckpt")
    assert read_training_checkpoint(last, "test")["global_step"] == STEPS


def test_averaged_weights_that_are_no_numbers_are_not_saved(ccp_tree: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFiniteError, match=r"so no checkpoint is written"):
        fit(tmp_path, click_training(ccp_tree, OptimiserRecipe()), EMAWeightAveraging(decay=float("nan")))
    assert not_finite(torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]) is None


def test_a_checkpoint_that_leads_to_nan_gives_way_to_the_one_before(ccp_tree: Path, tmp_path: Path) -> None:
    first, wild = tmp_path / "first", tmp_path / "wild"
    fit(first, click_training(ccp_tree, OptimiserRecipe()), EMAWeightAveraging())
    wild.mkdir()
    begun = (first / "epoch=0-step=2.ckpt").rename(wild / "last.ckpt")
    # The second step at this rate has no finite loss any more; its checkpoint had finite weights.
    with pytest.raises(NotFiniteError, match=r"in step 3 .*goes on from .*wild/last\.ckpt"):
        fit(wild, click_training(ccp_tree, WILD), EMAWeightAveraging(), checkpoint=begun)
    assert read_training_checkpoint(begun, "test")["global_step"] == 2
    assert {file.name for file in wild.iterdir()} == {"last.ckpt", "epoch=0-step=3.ckpt"}
    last = fit(
        wild, click_training(ccp_tree, OptimiserRecipe(learning_rate=1e-4)), EMAWeightAveraging(), checkpoint=begun
    )
    assert read_training_checkpoint(last, "test")["global_step"] == STEPS


def test_a_checkpoint_that_fails_again_at_once_is_named(ccp_tree: Path, tmp_path: Path) -> None:
    last = fit(tmp_path / "first", click_training(ccp_tree, OptimiserRecipe()))
    damaged = torch.load(tmp_path / "first" / "epoch=0-step=2.ckpt", weights_only=True)
    for name, tensor in damaged["state_dict"].items():
        if name.endswith("weight"):
            tensor.fill_(3e38)
    torch.save(damaged, last)
    with pytest.raises(NotFiniteError, match=r"fails again, since .*last\.ckpt leads to it at once"):
        fit(tmp_path / "second", click_training(ccp_tree, OptimiserRecipe()), checkpoint=last)
    assert last.exists()


def test_answers_of_the_validation_must_be_numbers(ccp_tree: Path, tmp_path: Path) -> None:
    made = click_training(ccp_tree, OptimiserRecipe())

    def spoilt(network: torch.nn.Module, given: Any, answer: torch.Tensor) -> torch.Tensor:
        return answer if network.training else answer * torch.nan

    made[0].corrected = 0.0  # type: ignore[assignment]
    made[0].network.register_forward_hook(spoilt)
    with pytest.raises(NotFiniteError, match=r"^logits: not finite for a validation photograph"):
        fit(tmp_path, made)


@pytest.mark.parametrize("make", [click_training, part_training])
def test_a_batch_of_one_is_refused_where_batch_norm_sees_one_value(
    make: Callable[..., Made], ccp_tree: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=r"^data\.batch_size: 1 is too small .*batch norm.*; give 2 or more"):
        fit(tmp_path, make(ccp_tree, OptimiserRecipe(), batch_size=1))
    assert not list(tmp_path.iterdir())


def test_a_batch_of_one_is_no_fault_where_batch_norm_sees_more(ccp_tree: Path, tmp_path: Path) -> None:
    last = fit(tmp_path, live_training(ccp_tree, OptimiserRecipe(), batch_size=1, steps=1))
    assert last.exists()


@pytest.mark.parametrize("schedule", ["one-cycle", "poly"])
@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_it_goes_on_with_the_rate_that_is_given_now(schedule: Any, kind: Any) -> None:
    """The rates of every later step are those of a training that began with them."""
    recipes = [
        OptimiserRecipe(kind, rate, rate / 2, decay, schedule=schedule) for rate, decay in ((1e-2, 0), (3e-4, 0.1))
    ]
    network = DeepLabClickNetwork(4, **TINY)
    rates: list[list[list[float]]] = []
    checkpoint: dict[str, Any] = {}
    for number, recipe in enumerate(recipes):
        built = recipe.build(network, 6)
        optimiser, scheduler = built["optimizer"], built["lr_scheduler"]["scheduler"]  # type: ignore[index]
        rates.append([])
        for step in range(6):
            if step == 3 and number == 0:
                checkpoint = {"optimizer_states": [optimiser.state_dict()], "lr_schedulers": [scheduler.state_dict()]}
                checkpoint = torch.load(_saved(checkpoint), weights_only=True)
            rates[-1].append([group["lr"] for group in optimiser.param_groups])
            optimiser.step()
            scheduler.step()
    changes = recipes[1].take_over(checkpoint, 6)
    assert "learning_rate 0.0003 instead of 0.01" in changes
    assert "weight_decay 0.1 instead of 0" in changes
    assert recipes[1].take_over(checkpoint, 6) == ""
    built = recipes[1].build(network, 6)
    optimiser, scheduler = built["optimizer"], built["lr_scheduler"]["scheduler"]  # type: ignore[index]
    optimiser.load_state_dict(checkpoint["optimizer_states"][0])
    scheduler.load_state_dict(checkpoint["lr_schedulers"][0])
    for step in range(3, 6):
        assert [group["lr"] for group in optimiser.param_groups] == pytest.approx(rates[1][step])
        optimiser.step()
        scheduler.step()


def _saved(content: dict[str, Any]) -> Any:
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("recipe", "steps", "message"),
    [
        (OptimiserRecipe("sgd"), 6, "model.optimiser.kind: sgd given, but the checkpoint was made with adamw"),
        (OptimiserRecipe(schedule="poly"), 6, "model.optimiser.schedule: poly given, .* made with one-cycle"),
        (OptimiserRecipe(), 7, "data.steps: 7 given, but the checkpoint was made with 6"),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused(recipe: OptimiserRecipe, steps: int, message: str) -> None:
    built = OptimiserRecipe().build(DeepLabClickNetwork(4, **TINY), 6)
    checkpoint = {
        "optimizer_states": [built["optimizer"].state_dict()],
        "lr_schedulers": [built["lr_scheduler"]["scheduler"].state_dict()],  # type: ignore[index]
    }
    with pytest.raises(ValueError, match=message):
        recipe.take_over(checkpoint, steps)
    with pytest.raises(ValueError, match="holds weights alone"):
        OptimiserRecipe().take_over({"state_dict": {}}, 6)
