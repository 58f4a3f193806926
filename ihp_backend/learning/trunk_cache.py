"""TrunkCache: what an encoder makes of photographs, kept on disk between epochs and lessons."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import mkstemp
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.live.features import STRIDES, Trunk
from ihp_backend.parsing.geometry import as_batch


class TrunkCache:
    """Trunks in half precision, a file each; some 4 MB for a photograph of 512 x 256 pixels.

    Args:
        folder: of the files; one below it belongs to this encoder alone.
        network: its encoder is asked for what is missing, and must not change.
    """

    def __init__(self, folder: Path, network: LiveNetwork) -> None:
        self._network, self._root = network, folder
        digest = hashlib.sha256()
        heads = ("network.embed.", "network.classify.", "network.contexts.")
        for name, tensor in network.state_dict().items():
            if name.startswith("network.") and not name.startswith(heads):
                digest.update(tensor.detach().cpu().numpy().tobytes())
        self.folder = folder / digest.hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)

    def beside(self, network: LiveNetwork) -> TrunkCache:
        """That of another network; the same files where both have the same encoder."""
        return TrunkCache(self._root, network)

    def of(self, working: NDArray[np.uint8]) -> Trunk:
        """The trunk of a padded working photograph, uint8 (H, W, 3), in single precision."""
        file = self.folder / f"{hashlib.sha256(working.tobytes() + str(working.shape).encode()).hexdigest()[:32]}.npz"
        kept = _read(file)
        if kept is None:
            self._network.eval()
            with torch.no_grad():
                made = self._network.network.trunk(torch.from_numpy(as_batch(working)))
            kept = [part.half().numpy() for part in made.parts]
            _write(file, kept)
        return Trunk.of(torch.from_numpy(part).float() for part in kept)


def _read(file: Path) -> list[NDArray[np.float16]] | None:
    """None where there is no file, or half of one."""
    try:
        with np.load(file, allow_pickle=False) as parts:
            return [parts[f"arr_{number}"] for number in range(len(STRIDES))]
    except (OSError, KeyError, ValueError, EOFError, BadZipFile):
        return None


def _write(file: Path, parts: list[NDArray[np.float16]]) -> None:
    """Whole or not at all; that it does not fit on the disk costs time and nothing else."""
    try:
        handle, part = mkstemp(dir=file.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as made:
                np.savez(made, *parts)
            os.replace(part, file)
        except OSError:
            Path(part).unlink(missing_ok=True)
    except OSError:
        return
