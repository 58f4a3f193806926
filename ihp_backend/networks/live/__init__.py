"""The live network: a photograph is encoded once, each click is decoded in milliseconds, for any label set."""

from ihp_backend.networks.live.convex_combination import upsampled
from ihp_backend.networks.live.decoder_inputs import Clicked, DecoderInputs, clicked_in
from ihp_backend.networks.live.features import LiveFeatures
from ihp_backend.networks.live.live_network import LiveNetwork

__all__ = ["Clicked", "DecoderInputs", "LiveFeatures", "LiveNetwork", "clicked_in", "upsampled"]
