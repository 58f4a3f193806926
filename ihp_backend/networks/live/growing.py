"""Weights of a live network without colours, taken over by one that sees them."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn

from ihp_backend.networks.live.kernels import ClickKernels

ENTRANCES: Final = {"fine": "enter_four", "coarse": "enter_eight"}
"""Where the planes of each stride enter the decoder."""


def grow(network: nn.Module, weights: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Adds to ``weights`` in place what they lack of the coloured kernels; called whenever weights are loaded.

    Those kernels start as in a new network and the decoder does not listen to them yet, so the grown network answers as
    the one before did, and a training need not start anew.

    Args:
        network: the live network that they are loaded into.
        weights: of the network, under names that start with ``prefix``.
        prefix: where the network lies in what is loaded.
    """
    for stride, entrance in ENTRANCES.items():
        kernels, name = network.get_submodule(f"{stride}.kernels"), f"{prefix}{stride}.kernels."
        assert isinstance(kernels, ClickKernels)
        if kernels.log_colour is not None and f"{name}sharpness" in weights and f"{name}log_colour" not in weights:
            _grow_stride(kernels, weights, name, f"{prefix}decoder.{entrance}.weight")


def _grow_stride(kernels: ClickKernels, weights: dict[str, Tensor], name: str, entrance: str) -> None:
    assert kernels.log_colour is not None
    known = len(weights[f"{name}sharpness"])
    for part in ("sharpness", "log_reach"):
        fresh = getattr(kernels, part).detach()[known:]
        weights[name + part] = torch.cat([weights[name + part], fresh.to(weights[name + part])])
    weights[f"{name}log_colour"] = kernels.log_colour.detach().clone()
    heard = weights[entrance]
    before = sum(map(len, kernels.kinds[:known]))
    deaf = heard.new_zeros(len(heard), kernels.planes - before, *heard.shape[2:])
    weights[entrance] = torch.cat([heard[:, :before], deaf, heard[:, before:]], 1)
