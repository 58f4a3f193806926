"""Automatic parsers: networks that parse a photograph without clicks, and the region-level refiner attached to them."""

from ihp_backend.networks.automatic.attention_to_scale import AttentionToScale
from ihp_backend.networks.automatic.automatic_parser import AutomaticParser, ParserOutputs, StagedParser
from ihp_backend.networks.automatic.ce2p import ContextEdgeParser
from ihp_backend.networks.automatic.deeplab_v2 import DeepLabV2
from ihp_backend.networks.automatic.deeplab_v3 import DeepLabV3
from ihp_backend.networks.automatic.object_context import ObjectContextParser
from ihp_backend.networks.automatic.region_refiner import RegionRefiner

__all__ = [
    "AttentionToScale",
    "AutomaticParser",
    "ContextEdgeParser",
    "DeepLabV2",
    "DeepLabV3",
    "ObjectContextParser",
    "ParserOutputs",
    "RegionRefiner",
    "StagedParser",
]
