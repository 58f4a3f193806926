"""FeatureCache: what an encoder makes of photographs, kept on disk between epochs and fine-tuning jobs."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from ihp_backend.networks.live import LiveNetwork
from ihp_backend.networks.live.features import BackboneFeatures
from ihp_backend.parsing.geometry import as_batch
from ihp_backend.storage.atomic_files import whole_file


class FeatureCache:
    """Backbone features in half precision, a file each; some 4 MB for a photograph of 512 x 256 pixels.

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

    def beside(self, network: LiveNetwork) -> FeatureCache:
        """Cache of another network; it shares the files where both have the same encoder."""
        return FeatureCache(self._root, network)

    def of(self, working: NDArray[np.uint8]) -> BackboneFeatures:
        """The features of a padded working photograph, uint8 (H, W, 3), in single precision."""
        file = self.folder / f"{hashlib.sha256(working.tobytes() + str(working.shape).encode()).hexdigest()[:32]}.npz"
        kept = _read(file)
        if kept is None:
            self._network.eval()
            with torch.no_grad():
                made = self._network.network.backbone(torch.from_numpy(as_batch(working)))
            kept = [part.half().numpy() for part in made.parts]
            _write(file, kept)
        return BackboneFeatures.of(torch.from_numpy(part).float() for part in kept)


def _read(file: Path) -> list[NDArray[np.float16]] | None:
    """None where there is no file, or half of one."""
    try:
        with np.load(file, allow_pickle=False) as parts:
            return [parts[f"arr_{number}"] for number in range(len(parts.files))]
    except (OSError, KeyError, ValueError, EOFError, BadZipFile):
        return None


def _write(file: Path, parts: list[NDArray[np.float16]]) -> None:
    """Whole or not at all; that it does not fit on the disk costs time and nothing else."""
    with suppress(OSError), whole_file(file, durable=False) as made:
        np.savez(made, *parts)
