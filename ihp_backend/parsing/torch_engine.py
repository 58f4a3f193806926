"""The engine that serves with torch: in half precision on a GPU, else in single precision on the CPU."""

from __future__ import annotations

import threading

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ihp_backend.networks import build_network
from ihp_backend.parsing.checkpoint import Checkpoint, CheckpointError
from ihp_backend.parsing.engine import Engine


class TorchEngine(Engine):
    """Runs ``model.safetensors`` in the network that ``model.json`` names.

    Raises:
        CheckpointError: the weights do not fit the network.
    """

    def __init__(self, checkpoint: Checkpoint, threads: int) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cpu":
            torch.set_num_threads(threads)
        path = checkpoint.file("model.safetensors")
        try:
            network = build_network(checkpoint.network)
            network.load_state_dict(load_file(path), strict=True)
        except (RuntimeError, SafetensorError, TypeError, ValueError) as error:
            raise CheckpointError(f"model: {path} does not fit its network ({error}); export it again") from error
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        self.network = network.eval().to(self.device, self.dtype)
        self._turn = threading.Lock()
        # The first run of a CUDA process compiles and allocates for seconds; no annotator should wait for it.
        side = checkpoint.working_size
        blank = np.zeros((side, side, 3), np.uint8)
        self.decode(self.encode(blank), np.full((len(checkpoint.labels), side, side), 255, np.uint8))

    @torch.inference_mode()
    def encode(self, image: NDArray[np.uint8]) -> Tensor:
        """The network's own features, on its device."""
        tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
        with self._turn:
            return self.network.encode(tensor.to(self.device))

    @torch.inference_mode()
    def decode(self, features: Tensor, click_maps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """One decoding, brought back to the CPU."""
        maps = torch.from_numpy(click_maps[None]).to(self.device)
        with self._turn:
            logits = self.network.decode(features, maps).logits
            return logits[0].float().cpu().numpy()
