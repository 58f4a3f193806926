"""Networks that keep their contract but for one clause are refused, and the refusal names the clause."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ihp_backend.learning.network_check import ContractError, check_network
from ihp_backend.networks import ClickNetwork, Decoded, ExtremePointDeepLab, LiveNetwork


class Tiny(ClickNetwork):
    """Four by four pixels to a cell, one convolution."""

    multiple_of = 4

    def __init__(self) -> None:
        super().__init__()
        self.num_labels = 3
        self.cells = nn.Conv2d(3, 3, 4, stride=4)

    def encode(self, image: Tensor) -> Tensor:
        cells: Tensor = self.cells(image.float() / 255)
        return cells

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits = features - avg_pool2d(click_maps.float() / 255, 4)
        return Decoded(logits, features)


class FewerLabels(Tiny):
    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits, embedding = super().decode(features, click_maps)
        return Decoded(logits[:, :2], embedding)


class AnotherStride(Tiny):
    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits, embedding = super().decode(features, click_maps)
        return Decoded(logits[..., :1], embedding[..., :1])


class NotFinite(Tiny):
    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits, embedding = super().decode(features, click_maps)
        return Decoded(logits / 0, embedding)


class Detached(Tiny):
    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(1), requires_grad=False)

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits, embedding = super().decode(features.detach().requires_grad_(), click_maps)
        return Decoded(logits, embedding)


class NoEmbedding(Tiny):
    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Any:
        return super().decode(features, click_maps).logits


class NoSize(Tiny):
    multiple_of = 0


class Forgetful(Tiny):
    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return {name: tensor for name, tensor in super().state_dict(*args, **kwargs).items() if "bias" not in name}


class ThroughNumpy(Tiny):
    """What leaves torch on its way cannot be exported."""

    def decode(self, features: Tensor, click_maps: Tensor, previous: Tensor | None = None) -> Decoded:
        logits, embedding = super().decode(features, click_maps)
        return Decoded(logits + float(features.detach().numpy().min()), embedding)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (FewerLabels(), r"network\.decode: the logits torch\.float32 \(2, 2, 2, 3\); wanted is float \(2, 3, h, w\)"),
        (AnotherStride(), r"network\.decode: the logits torch\.float32 \(2, 3, 2, 1\).*one stride"),
        (NotFinite(), r"network\.decode: logits that are not finite"),
        (Detached(), r"network\.decode: logits without a gradient to any weight"),
        (NoEmbedding(), r"network\.decode: the embedding NoneType"),
        (NoSize(), r"network\.multiple_of: 0; wanted is a whole number from 1"),
        (Forgetful(), r"network\.state_dict: .*cells\.bias"),
        (nn.Conv2d(3, 3, 1), r"network\.class: a Conv2d; wanted is a ClickNetwork"),
    ],
)
def test_what_breaks_a_clause_is_refused_by_its_name(network: nn.Module, message: str) -> None:
    with pytest.raises(ContractError, match=message):
        check_network(network, export=False)


def test_what_cannot_be_exported_is_refused() -> None:
    with pytest.raises(ContractError, match=r"network\.export: "):
        check_network(ThroughNumpy())


def test_a_network_that_keeps_it_stays_as_it_was() -> None:
    network = Tiny()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    check_network(network)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_other_kinds_of_networks_keep_theirs() -> None:
    check_network(LiveNetwork(num_labels=4, widths=(8, 8, 8)), export=False)
    check_network(ExtremePointDeepLab())
