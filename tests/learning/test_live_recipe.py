"""One recipe for training and fine-tuning: the same losses on the same batch, written with the model and read again."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor

from ihp_backend.clicks import Click
from ihp_backend.finetuning.feature_cache import FeatureCache
from ihp_backend.finetuning.feature_views import WorkingPhotograph
from ihp_backend.finetuning.recipes import FineTuningRecipe
from ihp_backend.finetuning.training import FineTuning
from ihp_backend.labels import LabelSet
from ihp_backend.learning import live_samples
from ihp_backend.learning.click_recipe import ClickRecipe
from ihp_backend.learning.live_module import LiveTraining
from ihp_backend.learning.live_recipe import LIVE_RECIPE, LiveRecipe
from ihp_backend.learning.loop import Loop, LoopLosses
from ihp_backend.learning.sub_parts import SubPartRecipe
from ihp_backend.learning.task_sampling import TaskSampling
from ihp_backend.learning.weighted_loss import WeightedLoss
from ihp_backend.losses import ClickCrossEntropy, SemanticPerceivingLoss
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.parsing.checkpoint import read_checkpoint
from tests.live_exports import TINY
from tests.pictures import picture
from training import export
from training.reproduction.methods import METHODS

LABELS = LabelSet(("background", "hat", "coat", "badge"))
PHOTOGRAPH = WorkingPhotograph(*picture(3))
WHOLE = FineTuningRecipe(steps=2, least_steps=2, batch=1, view=(960, 960), whole=True)
OTHER = replace(
    LIVE_RECIPE,
    answer_losses=(WeightedLoss("NormalisedFocalLoss", {"gamma": 1.0}), WeightedLoss("SoftJaccard", {}, 1.5)),
    embedding_loss=WeightedLoss("SemanticPerceivingLoss", {"margin": 1.5, "form": "log"}, 2.0),
    prior_weight=0.7,
    loss_step=1,
    rounds=3,
    forgetting=0.8,
    task_sampling=TaskSampling(unknown=0.9, drawn=0.6),
    clicks=ClickRecipe(without=0.0, extra=0.0),
)


def training(recipe: LiveRecipe, network: LiveNetwork) -> LiveTraining:
    """A training as its command line would make it of the recipe, its own focal loss aside."""
    _, jaccard = recipe.answer_losses
    embedding, perceiving = recipe.embedding_loss, None
    if embedding is not None:
        perceiving = SemanticPerceivingLoss(**embedding.arguments)
    module = LiveTraining(
        network,
        task_sampling=recipe.task_sampling,
        rounds=recipe.rounds,
        corrections_limit=recipe.corrections_limit,
        forgetting=recipe.forgetting,
        jaccard_weight=jaccard.weight,
        prior_weight=recipe.prior_weight,
        semantic_perceiving=perceiving,
        semantic_perceiving_weight=0.0 if embedding is None else embedding.weight,
        loss_step=recipe.loss_step,
    )
    module.log = module.log_dict = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    module.step_key = lambda: [0]  # type: ignore[method-assign]
    return module


def answering() -> LiveNetwork:
    """A network whose answers differ from label to label, as those of an untrained one do not."""
    torch.manual_seed(0)
    network = LiveNetwork(len(LABELS), **TINY).eval()
    with torch.no_grad():
        for parameter in network.decoder.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return network


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("perceiving", [True, False])
def test_both_steps_on_one_batch_have_the_same_losses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rounds: int, perceiving: bool
) -> None:
    network = answering()
    recipe = replace(
        LIVE_RECIPE,
        answer_losses=(LIVE_RECIPE.answer_losses[0], WeightedLoss("SoftJaccard", {}, 2.0)),
        embedding_loss=LIVE_RECIPE.embedding_loss if perceiving else None,
        prior_weight=0.8,
        loss_step=4,
        rounds=rounds,
        forgetting=0.5,
        task_sampling=TaskSampling(left_out=0),
        clicks=ClickRecipe(without=0, minimum_area=5),
    )
    seen: list[LoopLosses] = []
    batches: list[tuple[Any, ...]] = []
    losses, draw = Loop.losses, live_samples.Samples.draw

    def watched_losses(*given: Any) -> LoopLosses:
        seen.append(losses(*given))
        return seen[-1]

    def watched_draw(parsing: Any, clicked: Any, task_sampling: Any, rng: np.random.Generator, *rest: Any) -> Any:
        if not batches:
            batches.append((parsing, clicked, copy.deepcopy(rng.bit_generator.state)))
        rng.bit_generator.state = batches[0][2]
        return draw(parsing, clicked, task_sampling, rng, *rest)

    monkeypatch.setattr(Loop, "losses", watched_losses)
    monkeypatch.setattr(live_samples.Samples, "draw", watched_draw)
    tuning = FineTuning(
        network, LABELS, [PHOTOGRAPH], FeatureCache(tmp_path, network), WHOLE, new=(), live_recipe=recipe
    )
    tuning.network.eval()
    mirrored: list[np.ndarray] = []
    backbone = tuning._backbone_features

    def watched_backbone(image: np.ndarray, *rest: Any) -> Any:
        mirrored.append(image)
        return backbone(image, *rest)

    monkeypatch.setattr(tuning, "_backbone_features", watched_backbone)
    torch.manual_seed(7)
    tuned = tuning._loss(PHOTOGRAPH, np.random.default_rng(2), False)
    parsing, clicked, _ = batches[0]
    module = training(recipe, tuning.network).eval()
    torch.manual_seed(7)
    image = torch.from_numpy(mirrored[0].transpose(2, 0, 1)[None].copy())
    clicks = [Click(x, y, label) for label, y, x in clicked[0].tolist()]
    height, width = PHOTOGRAPH.parsing.shape
    planes = torch.from_numpy(live_samples.click_plane(clicks, (height, width)))[None]
    trained: Tensor = module.training_step((image, parsing, planes), 0)
    one, other = seen
    assert len(one.rounds) == len(other.rounds) == rounds
    torch.testing.assert_close(torch.stack(one.rounds), torch.stack(other.rounds))
    assert float(one.rounds[0].detach()) != pytest.approx(np.log(len(LABELS)), abs=1e-3)
    assert (one.perceived is None) == (other.perceived is None) == (not perceiving)
    if one.perceived is not None and other.perceived is not None:
        torch.testing.assert_close(one.perceived.loss, other.perceived.loss)
        assert float(one.perceived.loss.detach()) > 0
    torch.testing.assert_close(one.total, other.total)
    # Where everything is drawn and asked for, what the prior is told is the same, too.
    torch.testing.assert_close(tuned, trained)


def test_what_fine_tuning_learns_with_is_the_models_recipe(tmp_path: Path) -> None:
    network = answering()

    def loss(recipe: LiveRecipe) -> float:
        several = replace(WHOLE, batch=6)
        tuning = FineTuning(network, LABELS, [PHOTOGRAPH], FeatureCache(tmp_path, network), several, live_recipe=recipe)
        return tuning._step(0)

    usual = loss(LIVE_RECIPE)
    assert loss(LiveRecipe.from_dict(None)) == usual
    changes: list[dict[str, Any]] = [
        {name: getattr(OTHER, name)} for name in OTHER.to_dict() if getattr(OTHER, name) != getattr(LIVE_RECIPE, name)
    ]
    changes.append({"sub_parts": SubPartRecipe(share=1.0, minimum_area=5)})
    changes.append({"embedding_loss": None})
    assert len(changes) == 10
    for change in changes:
        assert loss(replace(LIVE_RECIPE, **change)) != usual, change


def test_pieces_are_learned_only_where_there_is_room_for_them(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = LiveNetwork(3, **TINY).eval()
    many = LabelSet(tuple(map(str, range(130))))
    recipe = replace(LIVE_RECIPE, sub_parts=SubPartRecipe(share=1.0, minimum_area=5))
    for labels, pieces in ((LABELS, True), (many, False)):
        tuning = FineTuning(network, labels, [PHOTOGRAPH], FeatureCache(tmp_path, network), WHOLE, live_recipe=recipe)
        image = PHOTOGRAPH.image.transpose(2, 0, 1)
        found = [tuning._carved(image, PHOTOGRAPH.parsing, np.random.default_rng(seed)) for seed in range(5)]
        assert (max(int(parsing.max()) for parsing in found) >= len(labels)) == pieces
        assert np.isfinite(tuning._step(0))


@pytest.mark.parametrize("recipe", [LIVE_RECIPE, OTHER, replace(OTHER, embedding_loss=None)])
def test_a_recipe_is_read_as_it_was_written(recipe: LiveRecipe) -> None:
    assert LiveRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_a_model_that_says_nothing_is_tuned_as_the_packaged_one() -> None:
    """The constants with which fine-tuning learned before models said anything."""
    described = LiveRecipe.from_dict(read_checkpoint("ccp-live").recipe).to_dict()
    assert described == {
        "answer_losses": [
            {"class": "NormalisedFocalLoss", "arguments": {"gamma": 2.0}, "weight": 1.0},
            {"class": "SoftJaccard", "arguments": {}, "weight": 0.5},
        ],
        "embedding_loss": {
            "class": "SemanticPerceivingLoss",
            "arguments": {
                "margin": 0.5, "form": "linear", "reduction": "pairs", "samples": 8, "background": False,
                "detach_clicks": False, "floor": 1e-4,
            },
            "weight": 0.5,
        },
        "prior_weight": 0.4, "loss_step": 2, "rounds": 2, "corrections_limit": 6, "forgetting": 0.3,
        "task_sampling": {"unknown": 0.3, "partly_unknown": 0.25, "left_out": 0.1, "others": 2, "drawn": 0.2},
        "clicks": {
            "without": 0.1, "central": True, "extra": 0.5, "extra_kind": "random", "extra_limit": 15,
            "minimum_area": 60, "margin": 10,
        },
        "sub_parts": {
            "share": 0.0, "limit": 3, "minimum_area": 20, "largest": 0.7, "component": 0.2, "half": 0.1,
            "pieces": 1,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"answer_losses": [{"class": "Hinge"}]},
            r"answer_losses: class 'Hinge' is unknown; known are NormalisedFocal",
        ),
        ({"embedding_loss": {"class": "SoftJaccard"}}, r"embedding_loss: class 'SoftJaccard' is unknown"),
        (
            {"answer_losses": [{"class": "SoftJaccard", "arguments": {"gamma": 1}}]},
            r"SoftJaccard does not take .*gamma",
        ),
        ({"answer_losses": [{"class": "NormalisedFocalLoss", "arguments": {"gamma": 0.5}}]}, r"gamma: 0\.5 given"),
        ({"answer_losses": [{"name": "SoftJaccard"}]}, r"recipe\.answer_losses: .* has no class name"),
        ({"answer_losses": [{"class": "SoftJaccard", "weight": "1"}]}, r"needs arguments by name and a weight"),
        ({"answer_losses": [{"class": "SoftJaccard", "weight": -1}]}, r"recipe\.SoftJaccard\.weight: -1 given"),
        ({"answer_losses": []}, r"recipe\.answer_losses: none given"),
        ({"answer_losses": {}}, r"recipe\.answer_losses: .* is no list"),
        ({"laps": 2}, r"recipe: 'laps' is unknown; known are answer_losses"),
        ({"task_sampling": {"night": 1}}, r"recipe\.task_sampling: 'night' is unknown"),
        ({"clicks": 3}, r"recipe\.clicks: 3 has no settings by name"),
        ({"rounds": 0}, r"recipe\.rounds: 0 given"),
        ({"rounds": "two"}, r"recipe: .*; export the model again"),
        ({"forgetting": float("nan")}, r"recipe\.forgetting: nan given"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LiveRecipe.from_dict({**LIVE_RECIPE.to_dict(), **change})


def test_a_loss_is_described_by_its_arguments() -> None:
    assert WeightedLoss.of(ClickCrossEntropy(radius=3.0), 2.0).to_dict() == {
        "class": "ClickCrossEntropy", "arguments": {"radius": 3.0}, "weight": 2.0,
    }  # fmt: skip


def exported(folder: Path, config: dict[str, Any]) -> Path:
    """A model folder of a run with that configuration."""
    torch.manual_seed(0)
    arguments = {**TINY, "num_labels": len(LABELS), "widths": [8, 8, 8]}
    config["model"]["network"] = {"class_path": "ihp_backend.networks.live.LiveNetwork", "init_args": arguments}
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    weights = LiveNetwork(**arguments).state_dict()
    checkpoint = folder / "checkpoints" / "last.ckpt"
    state = {f"network.{name}": tensor for name, tensor in weights.items()}
    torch.save({"state_dict": state, "pytorch-lightning_version": "2", "labels": LABELS.to_dict()}, checkpoint)
    export.main(checkpoint, out=folder / "model", working_size=64)
    return folder / "model"


@pytest.mark.usefixtures("shared_live_exports")
def test_an_exported_model_carries_its_trainings_recipe(tmp_path: Path) -> None:
    model = {
        "rounds": 3, "corrections_limit": 4, "forgetting": 0.8, "jaccard_weight": 1.5, "prior_weight": 0.7,
        "loss_step": 1, "semantic_perceiving_weight": 2.0, "task_sampling": {"unknown": 0.9},
        "semantic_perceiving": {
            "class_path": "ihp_backend.losses.SemanticPerceivingLoss", "init_args": {"margin": 1.0, "form": "linear"},
        },
    }  # fmt: skip
    data = {"steps": 3, "sub_parts": {"share": 0.6}, "clicks": {"extra": 0.25}}
    recipe = LiveRecipe.from_dict(read_checkpoint(exported(tmp_path, {"model": model, "data": data})).recipe)
    assert recipe == LiveRecipe(
        answer_losses=(LIVE_RECIPE.answer_losses[0], WeightedLoss("SoftJaccard", {}, 1.5)),
        embedding_loss=WeightedLoss("SemanticPerceivingLoss", {"margin": 1.0, "form": "linear"}, 2.0),
        prior_weight=0.7,
        loss_step=1,
        rounds=3,
        corrections_limit=4,
        forgetting=0.8,
        task_sampling=TaskSampling(unknown=0.9),
        clicks=ClickRecipe(extra=0.25),
        sub_parts=SubPartRecipe(share=0.6),
    )


def test_a_training_and_its_configuration_say_the_same() -> None:
    network = LiveNetwork(len(LABELS), **TINY)
    plain = LiveTraining(network)
    assert plain.recipe == LiveRecipe.of_training({}, {})
    assert plain.recipe == replace(LIVE_RECIPE, embedding_loss=None)
    perceiving = {"class_path": "ihp_backend.losses.SemanticPerceivingLoss", "init_args": {"margin": 0.5}}
    made = LiveTraining(network, semantic_perceiving=SemanticPerceivingLoss(margin=0.5), rounds=1)
    described = LiveRecipe.of_training({"semantic_perceiving": perceiving, "rounds": 1}, {})
    by_name = LiveRecipe.of_training({"semantic_perceiving": perceiving["class_path"]}, {})
    assert made.loop.embedding_loss.__dict__.keys() == described.build_embedding_loss().__dict__.keys()
    for name in ("margin", "form", "samples"):
        assert getattr(made.loop.embedding_loss, name) == getattr(described.build_embedding_loss(), name)
        assert getattr(by_name.build_embedding_loss(), name) == getattr(SemanticPerceivingLoss(), name)
    assert made.recipe.rounds == described.rounds == 1


def test_every_published_variant_has_a_recipe() -> None:
    """Options that set a method apart and are the recipe's, from the command line on."""
    for name, method in METHODS.items():
        if method.kind == "live":
            model: dict[str, Any] = {}
            for option, value in method.options.items():
                section, *keys = option.split(".")
                if section == "model" and keys[0] != "network":
                    at = model
                    for key in keys[:-1]:
                        at = at.setdefault(key, {})
                    at[keys[-1]] = yaml.safe_load(value)
            recipe = LiveRecipe.of_training(model, {})
            assert (recipe.rounds, recipe.forgetting) == (1 if name == "live-one-round" else 2,
                                                          1 if name == "live-no-previous" else 0.3)  # fmt: skip
