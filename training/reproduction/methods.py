"""The methods that the paper compares, as changes to one training configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Method:
    """One row of the paper's tables.

    Attributes:
        title: as tables and figures show it.
        options: of ``training.train fit``, on top of the scale's configuration.
        kind: "clicks": a click network under the interaction protocol; "classical": needs no training; "parts":
            trained and measured part by part (iDeepLab, DEXTR).
    """

    title: str
    options: dict[str, str] = field(default_factory=dict)
    kind: Literal["clicks", "classical", "ideeplab", "dextr"] = "clicks"


CENTRAL = {"data.clicks.extra": "0"}
RANDOM = {"data.clicks.extra_kind": "random"}
NEAR_EDGE = {"data.clicks.extra_kind": "near-edge"}
SEMANTIC_PERCEIVING = {"model.semantic_perceiving": "ihp_backend.losses.SemanticPerceivingLoss"}
NETWORKS = "ihp_backend.networks"


def _limit(count: int) -> dict[str, str]:
    return {"data.clicks.extra_limit": str(count)}


METHODS: dict[str, Method] = {
    "no-clicks": Method(
        "DeepLab V3+ without clicks",
        {**CENTRAL, "model.network.class_path": f"{NETWORKS}.PlainDeepLab"},
    ),
    "nearest": Method("nearest click", kind="classical"),
    "watershed": Method("watershed", kind="classical"),
    "ideeplab": Method("iDeepLab V3+", kind="ideeplab"),
    "dextr": Method("DEXTR", kind="dextr"),
    "central": Method("central", CENTRAL),
    "random-only": Method("random only", {**RANDOM, "data.clicks.central": "false"}),
    "random": Method("central + random (R)", RANDOM),
    "random-75": Method("R, up to 75", {**RANDOM, **_limit(75)}),
    "near-edge": Method("central + near-edge (N)", NEAR_EDGE),
    "near-edge-45": Method("N, up to 45", {**NEAR_EDGE, **_limit(45)}),
    "random-sp": Method("R + SP-loss", {**RANDOM, **SEMANTIC_PERCEIVING, "model.semantic_perceiving_weight": "1"}),
    "near-edge-sp": Method(
        "N + SP-loss", {**NEAR_EDGE, **SEMANTIC_PERCEIVING, "model.semantic_perceiving_weight": "3"}
    ),
    "random-plain": Method("R, plain cross-entropy", {**RANDOM, "model.loss": "ihp_backend.losses.CrossEntropy"}),
}
"""Every method by the name used for its runs; the order is that of the work."""
