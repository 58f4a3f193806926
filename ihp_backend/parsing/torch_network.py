"""Loading a model folder's network into torch."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ihp_backend.networks import ClickNetwork, LiveNetwork, build_network
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError


def load_network(checkpoint: Checkpoint) -> ClickNetwork | LiveNetwork:
    """The network that ``model.json`` names with the weights of ``model.safetensors``, ready to answer.

    Raises:
        CheckpointError: the weights do not fit the network.
    """
    path = checkpoint.file("model.safetensors")
    try:
        network = build_network(checkpoint.network)
        network.load_state_dict(load_file(path), strict=True)
    except (RuntimeError, SafetensorError, TypeError, ValueError) as error:
        raise CheckpointError(f"model: {path} does not fit its network ({error}); export it again") from error
    return network.eval()


def serving_device(threads: int) -> tuple[torch.device, torch.dtype]:
    """The GPU in half precision where there is one, else the processor, with so many threads, in single precision."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.float16
    torch.set_num_threads(threads)
    return torch.device("cpu"), torch.float32
