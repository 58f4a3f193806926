"""The engine that serves live networks with torch: in half precision on a GPU, else in single precision on the CPU."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.networks.live import Clicked, Evidence, LiveNetwork
from ihp_backend.networks.live.upsampling import STRIDE, shares
from ihp_backend.parsing.checkpoint import AnswerError
from ihp_backend.parsing.engine import finite
from ihp_backend.parsing.geometry import as_batch
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
        self._network = network
        self._turn = threading.Lock()
        # The first run of a CUDA process compiles and allocates for seconds; no annotator should wait for it.
        side = 4 * network.multiple_of
        encoded = self.encode(np.zeros((side, side, 3), np.uint8))
        nothing = np.zeros((1, 1), np.float32)
        known, previous = (
            np.zeros((1, network.num_labels), np.float32),
            np.zeros((1, side // STRIDE, side // STRIDE), np.float32),
        )
        self.decode(encoded.features, Question(np.zeros((1, 2), np.int64), nothing, nothing, known, previous))

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> Encoded:
        """The features stay on the device."""
        tensor = torch.from_numpy(as_batch(image))
        with self._turn:
            features = self._network.encode(tensor.to(self.device))
        for values in (features.fine.look, features.fine.prior, features.coarse.prior, *features.context):
            if not bool(values.isfinite().all()):
                raise AnswerError("features")
        return Encoded(features, _array(shares(features.mixture)), _array(features.fine.prior.amax((0, 2, 3))))

    @torch.inference_mode()
    def decode(self, features: Any, question: Question) -> NDArray[np.float32]:
        """One decoding, brought back to the CPU."""
        places, own, against, known, previous = (torch.from_numpy(part)[None].to(self.device) for part in question)
        own, against, known, previous = (part.to(self.dtype) for part in (own, against, known, previous))
        present = torch.ones_like(known[..., 0], dtype=torch.bool)
        with self._turn:
            evidence = Evidence(Clicked(places, own, against), known, previous, present)
            return finite("logits", _array(self._network.decode(features, evidence)[0]))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.float().cpu().numpy())
