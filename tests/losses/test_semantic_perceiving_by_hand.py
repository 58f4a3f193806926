"""What the semantic-perceiving loss and its gradient do on two parts made by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ihp_backend.clicks import Click, localization_maps
from ihp_backend.losses import SemanticPerceivingLoss


def scene(clicks: list[Click], num_labels: int = 3) -> tuple[Tensor, Tensor]:
    """Two parts of 8 x 8 pixels side by side under a background of 4 rows, and the maps of clicks."""
    parsing = torch.zeros(1, 12, 16, dtype=torch.int64)
    parsing[0, 4:, :8], parsing[0, 4:, 8:] = 1, 2
    return parsing, torch.from_numpy(localization_maps(clicks, 12, 16, num_labels))[None]


IN_ONE, IN_TWO, IN_BACKGROUND = Click(0, 4, 1), Click(15, 4, 2), Click(0, 0, 0)


def test_gradient_turns_a_pixel_to_its_own_clicks_and_from_the_neighbours() -> None:
    parsing, maps = scene([IN_ONE, IN_TWO])
    embedding = torch.rand(1, 4, 3, 4, generator=torch.Generator().manual_seed(0)) + 0.2
    embedding.requires_grad_()
    torch.manual_seed(0)
    SemanticPerceivingLoss(samples=500, detach_clicks=True)(embedding, parsing, maps).loss.backward()
    assert embedding.grad is not None
    assert (embedding.grad[0, :, 0] == 0).all(), "the background has no part in it"
    own, other = embedding.detach()[0, :, 1, 0], embedding.detach()[0, :, 1, 3]

    def ratio(pixel: Tensor, near: Tensor, far: Tensor) -> Tensor:
        return torch.cosine_similarity(pixel, near, dim=0) / torch.cosine_similarity(pixel, far, dim=0)

    for y, x, part in [(1, 1, 1), (2, 0, 1), (2, 1, 1), (1, 2, 2), (2, 2, 2), (2, 3, 2)]:
        near, far = (own, other) if part == 1 else (other, own)
        before = embedding.detach()[0, :, y, x]
        after = before - 1e-2 * embedding.grad[0, :, y, x]
        assert ratio(after, near, far) > ratio(before, near, far)


@pytest.mark.parametrize(("factor", "active"), [(0.999, 0.0), (1.001, 1.0)])
def test_zero_with_zero_gradient_from_the_margin_on(factor: float, active: float) -> None:
    parsing, maps = scene([IN_ONE, IN_TWO])
    # All of a part alike, so that S_p = 1, and S_n a little below or above e^-1.5.
    between = factor * math.exp(-1.5)
    embedding = torch.zeros(1, 2, 3, 4, dtype=torch.float64)
    embedding[0, 0, :, :2] = 3
    embedding[0, 0, :, 2:], embedding[0, 1, :, 2:] = between, math.sqrt(1 - between**2)
    embedding.requires_grad_()
    found = SemanticPerceivingLoss()(embedding, parsing, maps)
    found.loss.backward()
    assert embedding.grad is not None
    assert found.active.item() == active
    assert found.loss.item() == pytest.approx(active * math.log(1.001), abs=1e-12)
    assert bool((embedding.grad == 0).all()) is (active == 0)


@pytest.mark.parametrize("detach", [False, True])
def test_the_background_repels_only_by_the_switch(detach: bool) -> None:
    parsing, maps = scene([IN_ONE, IN_BACKGROUND])
    embedding = torch.rand(1, 4, 3, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert SemanticPerceivingLoss()(embedding, parsing, maps).loss.item() == 0
    found = SemanticPerceivingLoss(background=True, detach_clicks=detach)(embedding, parsing, maps)
    found.loss.backward()
    assert found.loss.item() > 0
    assert embedding.grad is not None
    moved = embedding.grad[0].abs().sum(0) > 0
    assert not moved[0, 1:].any(), "pixels of the background are never drawn"
    assert bool(moved[0, 0]) is not detach
    assert moved[1:, :2].any()


@pytest.mark.parametrize(
    "clicks",
    [[], [IN_ONE], [IN_ONE, IN_BACKGROUND], [IN_ONE, Click(0, 8, 2)]],
    ids=["none", "one part", "one part and background", "the other part's click lies elsewhere"],
)
def test_without_a_pair_a_finite_zero_with_a_gradient_of_zeros(clicks: list[Click]) -> None:
    check_zero(*scene(clicks))


def test_all_ignored_or_a_single_part_is_zero() -> None:
    parsing, maps = scene([IN_ONE, IN_TWO])
    check_zero(torch.full_like(parsing, 255), maps)
    check_zero(torch.full_like(parsing, 1), maps)


def check_zero(parsing: Tensor, maps: Tensor) -> None:
    """No loss, nothing active, a gradient of zeros."""
    embedding = torch.rand(1, 4, 3, 4, requires_grad=True)
    found = SemanticPerceivingLoss()(embedding, parsing, maps)
    found.loss.backward()
    assert embedding.grad is not None
    assert found.loss.item() == found.active.item() == 0
    assert (embedding.grad == 0).all()


def test_parts_apart_are_no_pair_and_a_thin_part_keeps_its_neighbours() -> None:
    parsing, maps = scene([IN_ONE, IN_TWO, Click(7, 6, 1), Click(8, 6, 2)], num_labels=4)
    embedding = torch.ones(1, 2, 3, 4)
    assert SemanticPerceivingLoss()(embedding, parsing, maps).loss.item() == pytest.approx(1.5)
    parsing[0, :, 8] = 255
    assert SemanticPerceivingLoss()(embedding, parsing, maps).loss.item() == 0
    # A belt of one pixel's width, on no row or column that every fourth pixel would meet.
    parsing[0, :, 8:] = 0
    parsing[0, 9, 1:7] = 3
    maps[0, 3, 9, 5] = 0
    assert SemanticPerceivingLoss(reduction="sum")(embedding, parsing, maps).loss.item() == pytest.approx(3)


def test_an_embedding_of_zeros_has_no_gradient_instead_of_a_huge_one() -> None:
    parsing, maps = scene([IN_ONE, IN_TWO])
    for loss in (SemanticPerceivingLoss(), SemanticPerceivingLoss(form="linear")):
        embedding = torch.zeros(1, 4, 3, 4)
        embedding[0, 0, 1, 0] = embedding[0, 1, 1, 3] = 1
        embedding.requires_grad_()
        loss(embedding, parsing, maps).loss.backward()
        assert embedding.grad is not None
        assert embedding.grad.abs().max() < 10


def test_an_embedding_of_another_stride_is_refused() -> None:
    parsing, maps = scene([IN_ONE, IN_TWO])
    with pytest.raises(ValueError, match=r"embedding: \(6, 8\) given, \(3, 4\) needed .* stride 4"):
        SemanticPerceivingLoss()(torch.ones(1, 4, 6, 8), parsing, maps)
