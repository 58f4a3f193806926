"""The live network: a photograph is encoded once, each click is decoded in milliseconds, for any label set."""

from ihp_backend.networks.live.evidence import Clicked, Evidence, clicked_in
from ihp_backend.networks.live.features import LiveFeatures
from ihp_backend.networks.live.network import LiveNetwork
from ihp_backend.networks.live.upsampling import upsampled

__all__ = ["Clicked", "Evidence", "LiveFeatures", "LiveNetwork", "clicked_in", "upsampled"]
