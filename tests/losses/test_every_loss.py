"""What holds for every loss on logits, and for plain cross-entropy, the simplest of them."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from torch import nn

from ihp_backend import losses
from ihp_backend.losses import BalancedCrossEntropy, ClickCrossEntropy, CrossEntropy
from tests.losses.batches import counted_pixels, pixel_loss, random_batch, random_logits


def takes_logits_alone(kind: object) -> bool:
    """Whether this is a loss on logits that is made without arguments."""
    if not (inspect.isclass(kind) and issubclass(kind, nn.Module)):
        return False
    made_of = inspect.signature(kind).parameters.values()
    required = [one for one in made_of if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]
    return not required and list(inspect.signature(kind.forward).parameters)[1:] == ["logits", "parsing", "click_maps"]


LOSSES: dict[str, nn.Module] = {
    **{name: vars(losses)[name]() for name in losses.__all__ if takes_logits_alone(vars(losses)[name])},
    "balanced halves": BalancedCrossEntropy(reading="halves"),
    "around clicks": ClickCrossEntropy(radius=2),
}
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES.keys())


def test_plain_cross_entropy_equals_a_loop_over_pixels() -> None:
    parsing, maps = random_batch(0)
    logits = random_logits(0, parsing, 4)
    means = [
        np.mean([pixel_loss(image, y, x, int(true[y, x])) for y, x in counted_pixels(true)])
        for image, true in zip(logits, parsing, strict=True)
    ]
    assert CrossEntropy()(logits, parsing, maps).item() == pytest.approx(np.mean(means))


@every_loss
def test_all_ignored_gives_zero_with_a_gradient_of_zeros(loss: nn.Module) -> None:
    parsing, maps = random_batch(1)
    logits = random_logits(1, parsing, 4)
    value = loss(logits, torch.full_like(parsing, 255), maps)
    value.backward()
    assert value.item() == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


@every_loss
def test_ignored_pixels_have_no_gradient_and_others_do(loss: nn.Module) -> None:
    parsing, maps = random_batch(2)
    maps[:, 1, 0, 0] = 0
    parsing[:, 0, 0] = 255
    logits = random_logits(2, parsing, 4)
    loss(logits, parsing, maps).backward()
    assert logits.grad is not None
    moved = logits.grad.abs().sum(1) > 0
    assert not moved[parsing == 255].any()
    assert moved.any()


@every_loss
def test_a_batch_is_the_mean_of_its_images(loss: nn.Module) -> None:
    parsing, maps = random_batch(3, images=3)
    parsing[2] = 255
    logits = random_logits(3, parsing, 4)
    alone = [loss(logits[[n]], parsing[[n]], maps[[n]]).item() for n in range(3)]
    assert loss(logits, parsing, maps).item() == pytest.approx(np.mean(alone))
    assert alone[0] != pytest.approx(alone[1])


@every_loss
def test_without_clicks_the_gradient_is_finite(loss: nn.Module) -> None:
    parsing, maps = random_batch(4)
    logits = random_logits(4, parsing, 4)
    value = loss(logits, parsing, torch.full_like(maps, 255))
    value.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    if isinstance(loss, ClickCrossEntropy):
        assert value.item() == 0
        assert (logits.grad == 0).all()


@every_loss
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_half_precision_logits_give_nearly_the_same(loss: nn.Module, precision: torch.dtype) -> None:
    parsing, maps = random_batch(5)
    logits = random_logits(5, parsing, 4).detach().to(precision).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(logits, parsing, maps)
    value.backward()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(loss(logits.detach().double(), parsing, maps).item(), rel=1e-5)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@every_loss
def test_logits_beyond_doubt_stay_finite(loss: nn.Module) -> None:
    parsing, maps = random_batch(6)
    certain = nn.functional.one_hot(parsing.where(parsing != 255, 0), 4).permute(0, 3, 1, 2).float() * 200
    for sign in (1, -1):
        logits = (sign * certain).requires_grad_()
        value = loss(logits, parsing, maps)
        value.backward()
        assert torch.isfinite(value)
        assert logits.grad is not None
        assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(
    "name",
    ["CrossEntropy", "BalancedCrossEntropy", "balanced halves", "ClickCrossEntropy", "around clicks"],
)
def test_gradient_against_finite_differences(name: str) -> None:
    parsing, maps = random_batch(7, images=1, size=(5, 4))
    logits = random_logits(7, parsing, 4)
    assert torch.autograd.gradcheck(lambda values: LOSSES[name](values, parsing, maps), logits)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU that torch can use")
@every_loss
def test_a_gpu_gives_the_same(loss: nn.Module) -> None:
    parsing, maps = random_batch(8)
    logits = random_logits(8, parsing, 4).detach()
    found = loss(logits.cuda(), parsing.cuda(), maps.cuda())
    assert found.item() == pytest.approx(loss(logits, parsing, maps).item())
