"""The engine that serves live networks with torch: in half precision on a GPU, else in single precision on the CPU."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.live.halves import DecoderHalf, EncoderHalf
from ihp_backend.parsing.live_engine import Encoded, LiveEngine, Question
from ihp_backend.parsing.torch_network import serving_device


class TorchLiveEngine(LiveEngine):
    """Runs a live network in torch.

    Args:
        network: with its weights.
        threads: of the processor, where there is no GPU.
    """

    def __init__(self, network: LiveNetwork, threads: int) -> None:
        self.device, self.dtype = serving_device(threads)
        network = network.to(self.device, self.dtype)
        self._encoder, self._decoder = EncoderHalf(network), DecoderHalf(network)
        self._turn = threading.Lock()

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> Encoded:
        """The features stay on the device."""
        tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
        with self._turn:
            *features, shares = self._encoder(tensor.to(self.device))
        strongest = features[1].amax((0, 2, 3))
        return Encoded(features, _array(shares), _array(strongest))

    @torch.inference_mode()
    def decode(self, features: Any, question: Question) -> NDArray[np.float32]:
        """One decoding, brought back to the CPU."""
        given: list[Tensor] = [torch.from_numpy(part).to(self.device) for part in question]
        with self._turn:
            return _array(self._decoder(*features, given[0], *(part.to(self.dtype) for part in given[1:])))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
