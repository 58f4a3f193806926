"""Network architectures: DeepLab V3+ in four forms and the live network; ``build_network`` makes one by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.deeplab import DeepLabClickNetwork, ExtremePointDeepLab, InteractiveDeepLab, PlainDeepLab
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.part_network import PartNetwork

CLICK_NETWORKS: dict[str, type[ClickNetwork]] = {
    network.__name__: network for network in (DeepLabClickNetwork, InteractiveDeepLab, PlainDeepLab)
}
"""Every click network by the name under which model folders know it."""


def build_network(description: Mapping[str, Any]) -> ClickNetwork | LiveNetwork:
    """The untrained network of a description {"class": name, "arguments": {...}}.

    Raises:
        ValueError: no network has that name.
    """
    name = description["class"]
    if name == LiveNetwork.__name__:
        return LiveNetwork(**description["arguments"])
    if name not in CLICK_NETWORKS:
        known = ", ".join([LiveNetwork.__name__, *CLICK_NETWORKS])
        raise ValueError(f"network: class {name!r} is unknown; known are {known}")
    return CLICK_NETWORKS[name](**description["arguments"])


__all__ = [
    "CLICK_NETWORKS",
    "ClickNetwork",
    "Decoded",
    "DeepLabClickNetwork",
    "ExtremePointDeepLab",
    "InteractiveDeepLab",
    "LiveNetwork",
    "PartNetwork",
    "PlainDeepLab",
    "build_network",
]
