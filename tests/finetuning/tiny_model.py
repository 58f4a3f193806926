"""A live network small enough to learn something within seconds, as a model folder."""

from __future__ import annotations

from pathlib import Path

import torch

from ihp_backend.exporting import write_model_folder
from ihp_backend.labels import LabelSet
from ihp_backend.networks import LiveNetwork
from tests.live_exports import TINY, LiveExports

KNOWN = LabelSet(("background", "hat", "coat"))
ARGUMENTS = {"num_labels": 3, **TINY}


def write_tiny_model(folder: Path, exports: LiveExports) -> Path:
    """An untrained one that works at 128 pixels."""
    torch.manual_seed(0)
    network = LiveNetwork(**ARGUMENTS).eval()
    description = {"class": "LiveNetwork", "arguments": ARGUMENTS}
    with exports.in_use():
        write_model_folder(folder, "tiny", description, network.state_dict(), KNOWN, 128)
    return folder
