"""The semantic-perceiving loss against a loop over pairs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ihp_backend.losses import SemanticPerceivingLoss
from ihp_backend.losses.semantic_perceiving import _random_pixels
from tests.losses.batches import random_batch

SETTINGS: list[dict[str, Any]] = [
    {},
    {"samples": 1, "reduction": "sum"},
    {"background": True, "margin": 0.4},
    {"form": "linear", "margin": 0.5},
    {"form": "linear", "margin": 0.1, "reduction": "sum", "background": True},
    {"floor": 0.3, "samples": 3},
]
settings = pytest.mark.parametrize("setting", SETTINGS, ids=str)
SIZE = (22, 14)


def random_embedding(seed: int, images: int = 2, channels: int = 5) -> Tensor:
    """Embedding float64 as behind a ReLU, for parsings of SIZE."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(images, channels, 6, 4, dtype=torch.float64, generator=generator).relu() + 0.01
    return values.requires_grad_()


def reference(
    embedding: Tensor,
    parsing: Tensor,
    maps: Tensor,
    margin: float = 1.5,
    form: str = "log",
    reduction: str = "pairs",
    samples: int = 8,
    background: bool = False,
    floor: float = 1e-4,
) -> tuple[float, float]:
    """Loss and active share, image by image and pair by pair."""
    values, true, clicks = embedding.detach().numpy(), parsing.numpy(), maps.numpy()
    num_labels = maps.shape[1]
    images: list[list[list[float]]] = []
    pairs = []
    for n in range(len(true)):
        images.append([])
        for part in range(1, num_labels):
            for neighbour in range(0 if background else 1, num_labels):
                if touching(true[n], part, neighbour):
                    at = [
                        [
                            values[n, :, y // 4, x // 4]
                            for y, x in np.argwhere((true[n] == label) & (clicks[n, label] == 0))
                        ]
                        for label in (part, neighbour)
                    ]
                    if at[0] and at[1]:
                        pairs.append((n, part, np.mean(at[0], axis=0), np.mean(at[1], axis=0)))
    draws = torch.rand(len(pairs), samples, dtype=torch.float64).numpy()
    for (n, part, own_mean, other_mean), shares in zip(pairs, draws, strict=True):
        places = np.argwhere(true[n] == part)
        terms = []
        for share in shares:
            y, x = places[math.floor(share * len(places))]
            own, other = (cosine(values[n, :, y // 4, x // 4], mean) for mean in (own_mean, other_mean))
            if form == "log":
                own, other = (math.log(max(value, floor)) for value in (own, other))
            terms.append(max(0.0, other - own + margin))
        images[n].append(terms)
    sums = [float(np.sum([np.mean(terms) for terms in image])) for image in images]
    if reduction == "pairs":
        sums = [total / max(len(image), 1) for total, image in zip(sums, images, strict=True)]
    flat = [term for image in images for terms in image for term in terms]
    return float(np.mean(sums)), float(np.mean([term > 0 for term in flat])) if flat else 0.0


def touching(parsing: np.ndarray, one: int, other: int) -> bool:
    """Whether two labels have pixels that are 8-neighbours."""
    ones, others = np.argwhere(parsing == one), np.argwhere(parsing == other)
    return one != other and any(np.abs(others - place).max(axis=1).min() <= 1 for place in ones if len(others))


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / math.sqrt((one @ one) * (other @ other)))


@settings
def test_equal_to_a_loop_over_pairs(setting: dict[str, Any]) -> None:
    for seed in range(3):
        parsing, maps = random_batch(seed, size=SIZE, clicks=20)
        embedding = random_embedding(seed)
        torch.manual_seed(seed)
        found = SemanticPerceivingLoss(**setting)(embedding, parsing, maps)
        torch.manual_seed(seed)
        loss, active = reference(embedding, parsing, maps, **setting)
        assert loss > 0
        assert found.loss.item() == pytest.approx(loss)
        assert found.active.item() == pytest.approx(active)


@settings
def test_gradient_against_finite_differences(setting: dict[str, Any]) -> None:
    parsing, maps = random_batch(3, images=1, num_labels=3, size=SIZE, clicks=20)

    def value(embedding: Tensor) -> Tensor:
        torch.manual_seed(0)
        return SemanticPerceivingLoss(**setting)(embedding, parsing, maps).loss

    assert torch.autograd.gradcheck(value, random_embedding(3, images=1, channels=3))


def test_a_batch_is_the_mean_of_its_images_and_an_image_without_pairs_adds_zero() -> None:
    parsing, maps = random_batch(5, images=3, size=SIZE, clicks=20)
    parsing[2] = 1
    embedding = random_embedding(5, images=3)
    # So many draws that it hardly matters which.
    losses = [SemanticPerceivingLoss(samples=4000), SemanticPerceivingLoss(samples=4000, reduction="sum")]
    for loss in losses:
        alone = [loss(embedding[[n]], parsing[[n]], maps[[n]]).loss.item() for n in range(3)]
        assert alone[2] == 0
        assert loss(embedding, parsing, maps).loss.item() == pytest.approx(np.mean(alone), rel=0.02)


def test_pixels_are_drawn_evenly_from_the_part_and_again_after_the_same_seed() -> None:
    labels = random_batch(6, size=(7, 5))[0].to(torch.uint8)
    image, part = torch.tensor([0, 1]), torch.tensor([1, 2])
    torch.manual_seed(0)
    drawn, y, x = _random_pixels(labels, image, part, 20_000)
    for n, label in ((0, 1), (1, 2)):
        members = labels[n] == label
        counts = torch.zeros(7, 5).index_put((y[drawn == n], x[drawn == n]), torch.ones(()), accumulate=True)
        assert (counts[~members] == 0).all()
        expected = 20_000 / int(members.sum())
        assert (counts[members] - expected).abs().max() < 6 * math.sqrt(expected)
    torch.manual_seed(0)
    again = _random_pixels(labels, image, part, 20_000)
    assert all(torch.equal(one, other) for one, other in zip((drawn, y, x), again, strict=True))


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_gives_nearly_the_same(precision: torch.dtype) -> None:
    parsing, maps = random_batch(7, size=SIZE, clicks=20)
    embedding = (50 * random_embedding(7)).detach().to(precision).requires_grad_()
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = SemanticPerceivingLoss()(embedding, parsing, maps)
    found.loss.backward()
    torch.manual_seed(0)
    expected = SemanticPerceivingLoss()(embedding.detach().double(), parsing, maps)
    assert found.loss.dtype == torch.float32
    assert found.loss.item() == pytest.approx(expected.loss.item(), rel=1e-5)
    assert embedding.grad is not None
    assert torch.isfinite(embedding.grad).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
def test_a_gpu_draws_the_same_pixels() -> None:
    parsing, maps = random_batch(8, size=SIZE, clicks=20)
    embedding = random_embedding(8).detach()
    torch.manual_seed(0)
    expected = SemanticPerceivingLoss()(embedding, parsing, maps)
    torch.manual_seed(0)
    found = SemanticPerceivingLoss()(embedding.cuda(), parsing.cuda(), maps.cuda())
    assert found.loss.item() == pytest.approx(expected.loss.item())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"form": "cubic"}, "form: 'cubic' is unknown; known are log, linear"),
        ({"reduction": "mean"}, "reduction: 'mean' is unknown; known are pairs, sum"),
        ({"samples": 0}, "samples: 0 given"),
        ({"floor": 0.0}, "floor: 0.0 given"),
    ],
)
def test_wrong_settings_are_named(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SemanticPerceivingLoss(**setting)
