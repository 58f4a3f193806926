"""Torch engines: half precision on a GPU, single precision on the CPU. The runtime imports torch only here."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ihp_backend.networks import ClickNetwork, LiveNetwork, build_network
from ihp_backend.networks.live import Clicked
from ihp_backend.networks.live import DecoderInputs as TorchDecoderInputs
from ihp_backend.networks.live.convex_combination import STRIDE, shares
from ihp_backend.networks.live.kernels import look_at
from ihp_backend.networks.weights import not_finite
from ihp_backend.parsing.answer import first_best
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import AnswerError, Checkpoint, CheckpointError
from ihp_backend.parsing.engines.base import DecoderInputs, Encoded, Engine, LiveEngine, finite
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.parsing.turns import Turn


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


class TorchEngine(Engine):
    """Runs a click network in torch.

    Args:
        network: with its weights.
        checkpoint: the model folder that they come from.
        threads: of the processor, where there is no GPU.
    """

    def __init__(self, network: ClickNetwork, checkpoint: Checkpoint, threads: int) -> None:
        self.device, self.dtype = serving_device(threads)
        self.network = network.to(self.device, self.dtype)
        self._turn = Turn()
        # The first run of a CUDA process compiles and allocates for seconds; no annotator should wait for it.
        side = checkpoint.working_size
        blank = np.zeros((side, side, 3), np.uint8)
        self.decode(self.encode(blank), np.full((len(checkpoint.labels), side, side), 255, np.uint8))

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> Tensor:
        """The network's own features, on its device."""
        tensor = torch.from_numpy(as_batch(image))
        with self._turn:
            return self.network.encode(tensor.to(self.device))

    @torch.inference_mode()
    def decode(self, features: Tensor, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One decoding, brought back to the CPU."""
        maps = torch.from_numpy(click_maps[None]).to(self.device)
        with self._turn:
            logits = self.network.decode(features, maps).logits
            return finite("logits", logits[0].float().cpu().numpy())


class TorchLiveEngine(LiveEngine):
    """Runs a live network in torch.

    Args:
        network: with its weights.
        threads: of the processor, where there is no GPU.
    """

    def __init__(self, network: LiveNetwork, threads: int) -> None:
        self.device, self.dtype = serving_device(threads)
        network = network.to(self.device, self.dtype)
        self._network = network
        self._turn = Turn()
        # The first run of a CUDA process compiles and allocates for seconds; no annotator should wait for it.
        side = 4 * network.multiple_of
        encoded = self.encode(np.zeros((side, side, 3), np.uint8))
        nothing = np.zeros((1, 1), np.float32)
        known, previous = (
            np.zeros((1, network.num_labels), np.float32),
            np.zeros((1, side // STRIDE, side // STRIDE), np.float32),
        )
        self.decode(encoded.features, DecoderInputs(np.zeros((1, 2), np.int64), nothing, nothing, known, previous))

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8], place: PlaceArray = as_they_are) -> Encoded:
        """The features stay on the device."""
        tensor = torch.from_numpy(as_batch(image))
        with self._turn.later():
            features = self._network.encode(tensor.to(self.device))
        for values in (features.fine.look, features.fine.prior, features.coarse.prior, *features.context):
            if not bool(values.isfinite().all()):
                raise AnswerError("features")
        prior = _array(features.fine.prior[0])
        mixed = place(_array(shares(features.mixture)))
        return Encoded(features, mixed, prior.max((1, 2)), prior[0], first_best(prior))

    @torch.inference_mode()
    def looks(self, features: Any, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """Brought back to the CPU."""
        with self._turn:
            return _array(look_at(features.fine.look, torch.from_numpy(places)[None].to(self.device), STRIDE)[0])

    @torch.inference_mode()
    def decode(self, features: Any, inputs: DecoderInputs) -> NDArray[np.float32]:
        """One decoding, brought back to the CPU."""
        places, own, against, known, previous = (torch.from_numpy(part)[None].to(self.device) for part in inputs[:5])
        own, against, known, previous = (part.to(self.dtype) for part in (own, against, known, previous))
        present = torch.ones_like(known[..., 0], dtype=torch.bool)
        looks = None
        if inputs.looks is not None:
            looks = torch.from_numpy(inputs.looks)[None].to(self.device, self.dtype)
        with self._turn:
            tensors = TorchDecoderInputs(Clicked(places, own, against), known, previous, present)
            return finite("logits", _array(self._network.decode(features, tensors, looks)[0]))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.float().cpu().numpy())


def make_torch_engine(checkpoint: Checkpoint, threads: int) -> Engine | LiveEngine:
    """Runs ``model.safetensors`` in the network that ``model.json`` names.

    Raises:
        CheckpointError: the weights do not fit the network.
    """
    network = load_network(checkpoint)
    if isinstance(network, LiveNetwork):
        return TorchLiveEngine(network, threads)
    return TorchEngine(network, checkpoint, threads)
