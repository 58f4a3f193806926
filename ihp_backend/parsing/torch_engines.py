"""The torch engine that fits a model folder; the one module of the runtime through which torch comes in."""

from __future__ import annotations

from ihp_backend.networks import LiveNetwork
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engine import Engine
from ihp_backend.parsing.live_engine import LiveEngine
from ihp_backend.parsing.torch_engine import TorchEngine
from ihp_backend.parsing.torch_live_engine import TorchLiveEngine
from ihp_backend.parsing.torch_network import load_network


def make_torch_engine(checkpoint: Checkpoint, threads: int) -> Engine | LiveEngine:
    """Runs ``model.safetensors`` in the network that ``model.json`` names.

    Raises:
        CheckpointError: the weights do not fit the network.
    """
    network = load_network(checkpoint)
    if isinstance(network, LiveNetwork):
        return TorchLiveEngine(network, threads)
    return TorchEngine(network, checkpoint, threads)
