"""The automatic parsers that RPR and SSL compare, and how a training is told to make one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ihp_backend.labels import LabelSet

NETWORKS, LOSSES = "ihp_backend.networks", "ihp_backend.losses"


@dataclass(frozen=True)
class Baseline:
    """A parser as the papers have it, and in small.

    Attributes:
        title: as tables show it.
        network: its class.
        small: arguments below the full scale, besides those that all have there.
    """

    title: str
    network: str
    small: Mapping[str, Any]


BASELINES: dict[str, Baseline] = {
    "ce2p": Baseline("CE2P", "ContextEdgeParser", {"width": 64}),
    "deeplab-v3": Baseline(
        "DeepLab V3", "DeepLabV3", {"output_stride": 16, "decoder_channels": 64, "dilations": [1, 2, 3]}
    ),
    "ocr": Baseline("HRNet-OCR", "ObjectContextParser", {"width": 48}),
    "deeplab-v2": Baseline("DeepLab V2", "DeepLabV2", {"output_stride": 16, "dilations": [1, 2, 3, 4]}),
    "attention": Baseline("Attention", "AttentionToScale", {"output_stride": 16, "dilations": [2], "width": 64}),
}
"""By the name that methods give."""

SMALL_ENCODER = "mobilenet_v2"
"""The encoder of all parsers below the full scale."""

OF_THE_FILE: Mapping[str, Any] = {"mean": [0.5, 0.5, 0.5], "deviation": [0.5, 0.5, 0.5]}
"""The normalisation of the encoder's weights where they come from a file; those of the hubs have the usual one."""

SMALL_REGION_WIDTH = 64
"""Width of region parsers below the full scale."""


@dataclass(frozen=True)
class ParserRecipe:
    """A parser with what the papers add to it.

    Attributes:
        baseline: one of ``BASELINES``.
        regions: names of regions of the label set, or of single labels; none: no region parsers.
        structure: the form of SSL's joint structure; empty for none.
        options: further settings of the training by their dotted names.
    """

    baseline: str
    regions: tuple[str, ...] = ()
    structure: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    def settings(self, labels: LabelSet, *, full: bool, hub: str | None = None) -> dict[str, str]:
        """The settings of ``training.train_automatic`` by their dotted names.

        Args:
            labels: of the data set.
            full: whether the parser has the paper's size.
            hub: the name at its hub of the encoder's weights; None where a file is given, or none.

        Raises:
            ValueError: the label set has no such region, or no joints.
        """
        baseline = BASELINES[self.baseline]
        arguments = {} if full else {"encoder": SMALL_ENCODER, **baseline.small}
        arguments |= {"encoder_weights": hub} if hub else {} if full else OF_THE_FILE
        network = _described(baseline.network, {"num_labels": len(labels), **arguments})
        if self.regions:
            width = {} if full else {"width": SMALL_REGION_WIDTH}
            regions = {name: _labels_of(name, labels) for name in self.regions}
            whole = sorted(label for ids in regions.values() for label in ids) == list(range(1, len(labels)))
            refined = {"network": network, "regions": regions, "partition": whole, **width}
            network = _described("RegionRefiner", refined)
        settings = {"model.network": json.dumps(network)}
        if self.structure:
            if not labels.joints:
                raise ValueError("joints: the label set has none; SSL needs one that names them")
            joints = {name: sorted(ids) for name, ids in labels.joints.items()}
            settings |= {
                "model.loss": f"{LOSSES}.ParserLoss",
                "model.loss.structure": f"{LOSSES}.JointStructure",
                "model.loss.structure.joints": json.dumps(joints),
                "model.loss.structure.form": self.structure,
            }
            # Eight pixels of a view, as in SSL; in small the loss sees every second one.
            settings |= {"model.loss.structure.stride": "8" if full else "4"}
        return {**settings, **self.options}


def _described(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"class_path": f"{NETWORKS}.{name}", "init_args": dict(arguments)}


def _labels_of(region: str, labels: LabelSet) -> Sequence[int]:
    if region in labels.regions:
        return sorted(labels.regions[region])
    if region in labels.names[1:]:
        return [labels.id_of(region)]
    raise ValueError(
        f"regions: {region!r} is no region and no label; regions are {', '.join(labels.regions) or 'none'}"
    )
