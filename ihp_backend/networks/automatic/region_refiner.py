"""Region-level parsing refiner (RPR, "Enhancing human parsing with region-level learning")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from ihp_backend.networks.automatic.automatic_parser import AutomaticParser, ParserOutputs, StagedParser, activated
from ihp_backend.networks.automatic.context_embedding import (
    WIDTH,
    ContextEmbedding,
    HighResolutionEmbedding,
    resized,
)

LOSSES = ("parsing", "lovasz", "auxiliary", "edges")
"""Names of a parser's other losses, which no region may have."""


class RegionRefiner(AutomaticParser):
    """A staged parser, and beside it a parser of each region's parts alone, which decide its parts together.

    A region's parser sees the encoder's last stage and its stage at stride 4, and tells its parts from everything else.
    With CE2P, 20 labels, and the regions head and body it has 113.33 million weights in convolutions.

    Args:
        network: the parser that is refined; it need not know.
        regions: label ids by the region's name; any number of regions.
        fusion: "late" adds a region's logits to those of its parts (Eq. 5); "mid" makes new logits from the features
            of the whole and of the regions (Eq. 6).
        width: channels of a region parser's decoder; its context embedding has twice as many.
        partition: whether the regions have to share out all labels but the background. The paper's ablations have
            regions that leave labels out, or that overlap.

    Raises:
        ValueError: no region, one without labels, or one with the background or a label that does not exist; regions
            that overlap or leave labels out where they may not.
    """

    def __init__(
        self,
        network: StagedParser,
        regions: Mapping[str, Sequence[int]],
        fusion: Literal["late", "mid"] = "late",
        width: int = WIDTH,
        partition: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.num_labels, self.multiple_of = network.num_labels, network.multiple_of
        self.regions = {name: tuple(ids) for name, ids in regions.items()}
        _check(self.regions, self.num_labels, partition)
        low, last = network.stage_channels[2], network.stage_channels[-1]
        self.context = nn.ModuleDict({name: ContextEmbedding(last, 2 * width) for name in self.regions})
        self.embedding = nn.ModuleDict({name: HighResolutionEmbedding(2 * width, low, width) for name in self.regions})
        self.classify = nn.ModuleDict({name: nn.Conv2d(width, 1 + len(ids), 1) for name, ids in self.regions.items()})
        self.fused = None
        if fusion == "mid":
            joined = _embedding_channels(network) + width * len(self.regions)
            self.fused = nn.Sequential(*activated(joined, width), nn.Conv2d(width, self.num_labels, 1))

    def outputs(self, image: Tensor) -> ParserOutputs:
        """The fused parsing at stride 4; the parser's own one learns beside it."""
        stages = self.network.stages(image)
        whole = self.network.heads(stages)
        low, last = stages[2], stages[-1]
        features = {name: self.embedding[name](self.context[name](last), low) for name in self.regions}
        regions = {name: self.classify[name](features[name]) for name in self.regions}
        embedding = torch.cat([resized(whole.embedding, low), *features.values()], 1)
        if self.fused is not None:
            logits = self.fused(embedding)
        else:
            logits = resized(whole.logits, low)
            for name, ids in self.regions.items():
                logits = logits + _spread(regions[name], ids, self.num_labels)
        return ParserOutputs(logits, embedding, (whole.logits, *whole.auxiliary), whole.edges, regions)


@torch.no_grad()
def _embedding_channels(network: StagedParser) -> int:
    """The channels of a parser's embedding, which are known once it has answered."""
    side, training = 2 * network.multiple_of, network.training
    answered = network.eval().outputs(torch.zeros(1, 3, side, side))
    network.train(training)
    return answered.embedding.shape[1]


def _spread(logits: Tensor, ids: Sequence[int], num_labels: int) -> Tensor:
    """A region's logits in the place of its labels, and 0 for all others: what lies outside has no say (Eq. 5)."""
    parts = torch.cat([torch.zeros_like(logits[:, :1]), logits[:, 1:]], 1)
    return parts[:, [ids.index(label) + 1 if label in ids else 0 for label in range(num_labels)]]


def _check(regions: Mapping[str, Sequence[int]], num_labels: int, partition: bool) -> None:
    if not regions:
        raise ValueError("regions: none given; name at least one with its label ids, for example {'head': [1, 2, 4]}")
    for name, ids in regions.items():
        if name in LOSSES or "." in name or not name:
            taken = ", ".join(sorted(LOSSES))
            raise ValueError(f"regions: {name!r} cannot be a name; give one without dots and other than {taken}")
        if not ids:
            raise ValueError(f"regions: {name} has no labels; give their ids")
        if wrong := [label for label in ids if not 0 < label < num_labels]:
            raise ValueError(f"regions: {name} has the id {wrong[0]}; ids of parts go from 1 to {num_labels - 1}")
        if len(set(ids)) < len(ids):
            raise ValueError(f"regions: {name} names a label twice: {list(ids)}; name each once")
    if not partition:
        return
    counted = Counter(label for ids in regions.values() for label in ids)
    if twice := sorted(label for label, times in counted.items() if times > 1):
        raise ValueError(f"regions: the labels {twice} are in several; put each into one, or give partition: false")
    if missing := sorted(set(range(1, num_labels)) - counted.keys()):
        raise ValueError(f"regions: the labels {missing} are in none; put each into one, or give partition: false")
