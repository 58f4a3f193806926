"""Network architectures: click networks, automatic parsers, the live network; ``build_network`` makes one by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ihp_backend.networks.automatic import (
    AttentionToScale,
    AutomaticParser,
    ContextEdgeParser,
    DeepLabV2,
    DeepLabV3,
    ObjectContextParser,
    ParserOutputs,
    RegionRefiner,
)
from ihp_backend.networks.click_network import ClickNetwork, Decoded
from ihp_backend.networks.deeplab import DeepLabClickNetwork, ExtremePointDeepLab, InteractiveDeepLab, PlainDeepLab
from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.part_network import PartNetwork

CLICK_NETWORKS: dict[str, type[ClickNetwork]] = {
    network.__name__: network
    for network in (
        DeepLabClickNetwork,
        InteractiveDeepLab,
        PlainDeepLab,
        DeepLabV2,
        DeepLabV3,
        AttentionToScale,
        ContextEdgeParser,
        ObjectContextParser,
        RegionRefiner,
    )
}
"""Every click network by the name under which model folders know it."""


def build_network(description: Mapping[str, Any]) -> ClickNetwork | LiveNetwork:
    """The untrained network of a description {"class": name, "arguments": {...}}.

    The name is that of a network of this package, or the path of a class that can be imported here. An argument may be
    a network, too, with a description of its own.

    Raises:
        ValueError: no network has that name.
    """
    name = description["class"]
    given: Mapping[str, Any] = description["arguments"]
    arguments: dict[str, Any] = {
        key: build_network(value) if _describes(value) else value for key, value in given.items()
    }
    if "." in name:
        return _imported(name)(**arguments)
    if name == LiveNetwork.__name__:
        return LiveNetwork(**arguments)
    if name not in CLICK_NETWORKS:
        known = ", ".join([LiveNetwork.__name__, *CLICK_NETWORKS])
        raise ValueError(f"network: class {name!r} is unknown; known are {known}")
    return CLICK_NETWORKS[name](**arguments)


def _describes(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"class", "arguments"}


def class_name(path: str) -> str:
    """The name under which a model folder knows a network: short for those of this package, else the class's path."""
    name = path.rpartition(".")[2]
    return name if name in {LiveNetwork.__name__, *CLICK_NETWORKS} and path.startswith(f"{__name__}.") else path


def _imported(path: str) -> type[ClickNetwork | LiveNetwork]:
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (AttributeError, ImportError) as error:
        raise ValueError(
            f"network: class {path!r} cannot be imported ({error}); install it, or set PYTHONPATH to its folder"
        ) from None
    if not isinstance(found, type) or not issubclass(found, (ClickNetwork, LiveNetwork)):
        raise ValueError(f"network: {path!r} is neither a ClickNetwork nor a LiveNetwork; derive it from one of them")
    return found


__all__ = [
    "CLICK_NETWORKS",
    "AttentionToScale",
    "AutomaticParser",
    "ClickNetwork",
    "ContextEdgeParser",
    "Decoded",
    "DeepLabClickNetwork",
    "DeepLabV2",
    "DeepLabV3",
    "ExtremePointDeepLab",
    "InteractiveDeepLab",
    "LiveNetwork",
    "ObjectContextParser",
    "ParserOutputs",
    "PartNetwork",
    "PlainDeepLab",
    "RegionRefiner",
    "build_network",
    "class_name",
]
