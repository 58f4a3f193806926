"""The prior is told what an annotation says, and keeps what it leaves open: against a reference cell by cell."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ihp_backend.losses.partial_labels import partial_label_losses

LABELS, KNOWN = 5, 4


def reference(prior: Tensor, before: Tensor, cells: Tensor, not_asked: set[int]) -> tuple[float, float]:
    told, kept = [], []
    for y, x in torch.cartesian_prod(torch.arange(cells.shape[1]), torch.arange(cells.shape[2])).tolist():
        label = int(cells[0, y, x])
        possible = {255: set(range(LABELS)), 0: {0, *not_asked}}.get(label, {label})
        now = {one: float(prior[0, one, y, x]) for one in possible}
        then = {one: float(before[0, one, y, x]) for one in possible if one < KNOWN}
        if label != 255:
            told.append(-math.log(sum(now.values())))
        if len(possible) > 1:
            kept.append(
                -sum(share / sum(then.values()) * math.log(now[one] / sum(now.values())) for one, share in then.items())
            )
    return sum(told) / len(told), sum(kept) / len(kept)


def some_priors() -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(1, LABELS, 4, 6).softmax(1), torch.randn(1, KNOWN, 4, 6).softmax(1)


@pytest.mark.parametrize("not_asked", [{2}, {1, 2}, {2, 4}])
def test_it_is_the_reference(not_asked: set[int]) -> None:
    prior, before = some_priors()
    cells = torch.tensor([0, 3, 255, 0, 1, 0]).expand(1, 4, 6).clone()
    found = [float(loss) for loss in partial_label_losses(prior, before, cells, not_asked)]
    assert found == pytest.approx(reference(prior, before, cells, not_asked), rel=1e-5)


def test_with_every_label_asked_for_background_is_background() -> None:
    prior, before = some_priors()
    cells = torch.zeros(1, 4, 6, dtype=torch.long)
    told, kept = partial_label_losses(prior, before, cells, ())
    assert float(told) == pytest.approx(float(-prior[:, 0].log().mean()), rel=1e-5)
    assert float(kept) == 0


def test_nothing_drawn_tells_nothing() -> None:
    prior, before = some_priors()
    told, kept = partial_label_losses(prior, before, torch.full((1, 4, 6), 255), ())
    assert float(told) == 0
    assert float(kept) > 0


def test_a_label_that_is_not_asked_for_is_not_unlearned() -> None:
    """Descending the losses on background, what was expected there among unasked labels stays."""
    logits = torch.zeros(1, LABELS, 1, 1, requires_grad=True)
    before = torch.tensor([0.1, 0.2, 0.6, 0.1]).view(1, KNOWN, 1, 1)
    cells = torch.zeros(1, 1, 1, dtype=torch.long)
    optimiser = torch.optim.SGD([logits], lr=1.0)
    for _ in range(300):
        optimiser.zero_grad()
        sum(partial_label_losses(logits.softmax(1), before, cells, {2})).backward()  # type: ignore[union-attr]
        optimiser.step()
    prior = logits.detach().softmax(1).flatten()
    assert float(prior[0] + prior[2]) > 0.98
    assert float(prior[2] / prior[0]) == pytest.approx(6, rel=0.05)
