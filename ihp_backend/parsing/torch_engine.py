"""The engine that serves with torch: in half precision on a GPU, else in single precision on the CPU."""

from __future__ import annotations

import threading

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ihp_backend.networks import ClickNetwork
from ihp_backend.parsing.checkpoint import Checkpoint
from ihp_backend.parsing.engine import Engine, finite
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.parsing.torch_network import serving_device


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
        self._turn = threading.Lock()
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
