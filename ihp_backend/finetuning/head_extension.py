"""Live networks that learn further labels by name, and what lies between two states of one network."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ihp_backend.networks.live import LiveNetwork


def extend_head(network: LiveNetwork, extra: int) -> LiveNetwork:
    """A copy that knows ``extra`` labels more, which come last; until it has learned them it never expects them.

    The prior of the labels known so far stays what it was, to within the little that the new ones are given.
    """
    more = copy.deepcopy(network)
    if extra:
        known = more.network.classify
        assert isinstance(known, nn.Conv2d)
        assert known.bias is not None
        head = nn.Conv2d(known.in_channels, known.out_channels + extra, 1)
        with torch.no_grad():
            head.weight.zero_()
            head.weight[: known.out_channels] = known.weight
            # Far below any label that a cell shows, and near enough that its gradient does not vanish.
            head.bias.fill_(float(known.bias.min()) - 5)  # type: ignore[union-attr]
            head.bias[: known.out_channels] = known.bias  # type: ignore[index]
        more.network.classify = head
        more.num_labels += extra
    return more


def interpolated(before: Mapping[str, Tensor], after: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """Weights ``share`` of the way from one state to another (Wortsman et al. 2022): 0 is the first, 1 the second."""
    return {
        name: torch.lerp(tensor, after[name], share) if tensor.is_floating_point() else after[name]
        for name, tensor in before.items()
    }
