"""Every data set by the name used on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ihp_backend.datasets.ccp import CcpDataset, CcpHuman18Dataset
from ihp_backend.datasets.sample import ParsingDataset

DATASETS: dict[str, Callable[[Path, str], ParsingDataset]] = {
    "ccp": CcpDataset,
    "ccp-human18": CcpHuman18Dataset,
}
"""Name -> class, constructed with (root, split)."""


def open_dataset(name: str, root: Path | str, split: str) -> ParsingDataset:
    """The data set called ``name``.

    Args:
        name: one of ``DATASETS``.
        root: folder of the data set.
        split: "train", "val" or, where the data set has it, "test".

    Raises:
        FileNotFoundError: the folder is in none of the known layouts.
        ValueError: an unknown name or split.
    """
    if name not in DATASETS:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(DATASETS)}")
    return DATASETS[name](Path(root), split)
