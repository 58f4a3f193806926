"""Settings and data of which nothing can be learned are refused before the first step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ihp_backend.finetuning.recipes import FineTuningRecipe
from ihp_backend.learning.click_data import ClickData
from ihp_backend.learning.click_module import ClickTraining
from ihp_backend.learning.live_data import LiveData
from ihp_backend.learning.live_module import LiveTraining
from ihp_backend.learning.optimisers import OptimiserRecipe
from ihp_backend.losses import NormalisedFocalLoss, SemanticPerceivingLoss
from ihp_backend.networks import DeepLabClickNetwork, LiveNetwork
from tests.learning.test_guard import EVERY_KIND, TINY, Made, fit

NAN, INF = float("nan"), float("inf")


def click(**more: Any) -> ClickTraining:
    return ClickTraining(DeepLabClickNetwork(3, **TINY), **more)


def live(**more: Any) -> LiveTraining:
    return LiveTraining(LiveNetwork(3, width=24, embedding=8, widths=(8, 8, 8)), **more)


def data(**more: Any) -> ClickData:
    return ClickData(Path(), **more)


@pytest.mark.parametrize(
    ("make", "name", "values"),
    [
        (OptimiserRecipe, "learning_rate", [0, -1e-3, NAN, INF]),
        (OptimiserRecipe, "encoder_learning_rate", [0, -1e-3, NAN]),
        (OptimiserRecipe, "weight_decay", [-1e-3, NAN]),
        (OptimiserRecipe, "momentum", [-0.1, 1.1, NAN]),
        (FineTuningRecipe, "learning_rate", [0, -1, NAN]),
        (FineTuningRecipe, "keeping_weight", [-1, NAN]),
        (click, "semantic_perceiving_weight", [NAN, -1]),
        (click, "click_weight", [NAN, INF]),
        (click, "corrected", [NAN, 1.5]),
        (click, "loss_stride", [0]),
        (click, "seed", [-1]),
        (live, "prior_weight", [NAN, INF]),
        (live, "semantic_perceiving_weight", [NAN]),
        (live, "jaccard_weight", [NAN]),
        (live, "rounds", [0]),
        (data, "steps", [0, -4]),
        (data, "batch_size", [0, -1]),
        (data, "workers", [-1]),
        (data, "validation_scale", [0, NAN]),
        (NormalisedFocalLoss, "gamma", [NAN, INF, 0.5]),
        (SemanticPerceivingLoss, "margin", [NAN, INF]),
    ],
)
def test_a_number_that_cannot_work_is_refused(make: Callable[..., Any], name: str, values: list[float]) -> None:
    for value in values:
        with pytest.raises(ValueError, match=rf"{name}: {value}"):
            make(**{name: value})


def masked(root: Path, folder: Path, label: Callable[[str, int], int | None]) -> Path:
    """A copy of a data set in which some photographs hold one label alone."""
    shutil.copytree(root, folder)
    for split, names in json.loads((folder / "split.json").read_text()).items():
        for number, name in enumerate(names):
            file = folder / "masks24" / f"{name}.png"
            filled = label(split, number)
            if filled is not None:
                Image.fromarray(np.full_like(np.asarray(Image.open(file)), filled)).save(file)
    return folder


@pytest.mark.parametrize(
    ("split", "label", "message"),
    [
        ("train", 255, "every pixel of train of ccp in .* is background .* or to be ignored"),
        ("train", 0, "every pixel of train of ccp in .* is background"),
        ("val", 255, "every pixel of val of ccp in .* is to be ignored"),
    ],
)
def test_data_that_show_nothing_are_refused(
    split: str, label: int, message: str, ccp_tree: Path, tmp_path: Path
) -> None:
    root = masked(ccp_tree, tmp_path / "data", lambda of, number: label if of == split else None)
    for kind in (ClickData, LiveData):
        with pytest.raises(ValueError, match=rf"data\.root: {message}.*; check the masks"):
            kind(root).prepare_data()
    # One photograph that shows something is enough.
    some = masked(ccp_tree, tmp_path / "some", lambda of, number: label if of == split and number else None)
    ClickData(some).prepare_data()


@EVERY_KIND
def test_batches_that_show_nothing_do_no_harm(make: Callable[..., Made], ccp_tree: Path, tmp_path: Path) -> None:
    root = masked(ccp_tree, tmp_path / "data", lambda of, number: 255 if of == "train" and number else None)
    assert fit(tmp_path / "run", make(root, OptimiserRecipe())).exists()


def test_a_prior_that_nothing_is_told_has_no_loss() -> None:
    prior = torch.full((2, 3, 4, 4), 1 / 3, requires_grad=True)
    loss = live()._prior_loss(prior, torch.full((2, 4, 4), 255))
    loss.backward()
    assert float(loss) == 0
    assert prior.grad is not None
    assert float(prior.grad.abs().max()) == 0
    half = torch.full((2, 4, 4), 255)
    half[0] = 1
    told = live()._prior_loss(prior, half)
    assert float(told.detach()) == pytest.approx(np.log(3), rel=1e-5)
