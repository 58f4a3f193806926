"""Loading a model folder's network into torch."""

from __future__ import annotations

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ihp_backend.networks import ClickNetwork, LiveNetwork, build_network
from ihp_backend.networks.weights import not_finite
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError


def load_network(checkpoint: Checkpoint) -> ClickNetwork | LiveNetwork:
    """The network that ``model.json`` names with the weights of ``model.safetensors``, ready to answer.

    Raises:
        CheckpointError: the weights do not fit the network, or are not finite.
    """
    path = checkpoint.file("model.safetensors")
    try:
        network, weights = build_network(checkpoint.network), load_file(path)
        network.load_state_dict(weights, strict=True)
    except (RuntimeError, SafetensorError, TypeError, ValueError) as error:
        raise CheckpointError(f"model: {path} does not fit its network ({error}); export it again") from error
    if broken := not_finite(weights):
        raise CheckpointError(f"model: {path} is of a training that failed ({broken}); serve another model")
    return network.eval()


def serving_device(threads: int) -> tuple[torch.device, torch.dtype]:
    """The GPU in half precision where there is one, else the processor, with so many threads, in single precision."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.float16
    torch.set_num_threads(threads)
    return torch.device("cpu"), torch.float32
