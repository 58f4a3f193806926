"""The loss of automatic parsers: on the parsing, on what learns beside it, on edges and on regions (RPR, Eq. 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ihp_backend.labels import IGNORE
from ihp_backend.losses.joint_structure import JointStructure
from ihp_backend.losses.lovasz_softmax import LovaszSoftmax
from ihp_backend.losses.part_edges import edge_cross_entropy
from ihp_backend.losses.pixels import mean_of_each_image, pixel_cross_entropy
from ihp_backend.networks.automatic import ParserOutputs


class ParserLoss(nn.Module):
    """Cross-entropy of every parsing that a parser gives, and what else it learns.

    Args:
        auxiliary_weight: of parsings that learn beside the answer.
        edge_weight: of edges, where a parser has them.
        region_weights: "balanced": a region weighs as many times as it has fewer parts than there are in all (RPR,
            Eq. 8); "equal": 1.
        lovasz_weight: of Lovász-softmax on the answer.
        structure: SSL's factor on the loss of each photograph, from all of its parsings; None for none.

    Raises:
        ValueError: a weight below 0.
    """

    def __init__(
        self,
        auxiliary_weight: float = 1.0,
        edge_weight: float = 1.0,
        region_weights: Literal["balanced", "equal"] = "balanced",
        lovasz_weight: float = 0.0,
        structure: JointStructure | None = None,
    ) -> None:
        super().__init__()
        weights = {"auxiliary_weight": auxiliary_weight, "edge_weight": edge_weight, "lovasz_weight": lovasz_weight}
        for name, weight in weights.items():
            if not weight >= 0:
                raise ValueError(f"{name}: {weight} given; give a number from 0 on")
        self.auxiliary_weight, self.edge_weight, self.lovasz_weight = auxiliary_weight, edge_weight, lovasz_weight
        self.region_weights = region_weights
        self.structure = structure
        self.lovasz = LovaszSoftmax()

    def forward(
        self, outputs: ParserOutputs, parsing: Tensor, regions: Mapping[str, Sequence[int]] | None = None
    ) -> dict[str, Tensor]:
        """The weighed losses by name; their sum is the loss.

        Args:
            outputs: of the parser.
            parsing: int64 (N, H, W), 255 = ignore.
            regions: label ids by the name of each of the outputs' regions.
        """
        losses = {"parsing": self._parsing_loss(outputs.logits, parsing)}
        if self.lovasz_weight:
            losses["lovasz"] = self.lovasz_weight * self.lovasz(_fitted(outputs.logits, parsing), parsing)
        if outputs.auxiliary:
            besides = [self._parsing_loss(logits, parsing) for logits in outputs.auxiliary]
            losses["auxiliary"] = self.auxiliary_weight * torch.stack(besides).sum()
        if outputs.edges is not None:
            losses["edges"] = self.edge_weight * edge_cross_entropy(_fitted(outputs.edges, parsing), parsing)
        parts = outputs.logits.shape[1] - 1
        for name, logits in outputs.regions.items():
            ids = (regions or {})[name]
            weight = parts / len(ids) if self.region_weights == "balanced" else 1.0
            region = region_parsing(parsing, ids)
            losses[name] = weight * _each(logits, region).mean()
        return losses

    def _parsing_loss(self, logits: Tensor, parsing: Tensor) -> Tensor:
        losses = _each(logits, parsing)
        return (losses if self.structure is None else losses * self.structure(logits, parsing)).mean()


def region_parsing(parsing: Tensor, ids: Sequence[int]) -> Tensor:
    """The parsing of a region: its labels counted from 1 on, 0 for all others; ignored pixels stay so.

    Args:
        parsing: int64 (N, H, W), 255 = ignore.
        ids: of the region's labels, in the order in which they are counted.
    """
    table = parsing.new_zeros(256)
    table[IGNORE] = IGNORE
    table[torch.tensor(list(ids), device=parsing.device)] = torch.arange(1, len(ids) + 1, device=parsing.device)
    return table[parsing]


def _each(logits: Tensor, parsing: Tensor) -> Tensor:
    """The mean cross-entropy of each image, float (N,)."""
    return mean_of_each_image(pixel_cross_entropy(_fitted(logits, parsing), parsing), parsing != IGNORE)


def _fitted(logits: Tensor, parsing: Tensor) -> Tensor:
    """``logits`` in the size of the parsing."""
    return interpolate(logits.float(), size=parsing.shape[1:], mode="bilinear", align_corners=False)
