"""Every data set by the name used on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ihp_backend.datasets.atr import AtrDataset
from ihp_backend.datasets.ccp import CcpDataset, CcpGarmentsDataset, CcpHuman18Dataset
from ihp_backend.datasets.cihp import CihpDataset
from ihp_backend.datasets.helen import HelenDataset
from ihp_backend.datasets.lip import LipDataset
from ihp_backend.datasets.pascal_person_part import PascalPersonPartDataset
from ihp_backend.datasets.sample import ParsingDataset

DATASETS: dict[str, Callable[[Path, str], ParsingDataset]] = {
    "ccp": CcpDataset,
    "ccp-human18": CcpHuman18Dataset,
    "ccp-garments": CcpGarmentsDataset,
    "lip": LipDataset,
    "cihp": CihpDataset,
    "pascal-person-part": PascalPersonPartDataset,
    "helen": HelenDataset,
    "atr": AtrDataset,
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
        ValueError: an unknown name or split, or a split without photographs.
    """
    if name not in DATASETS:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(DATASETS)}")
    dataset = DATASETS[name](Path(root), split)
    if len(dataset) == 0:
        raise ValueError(f"split: {split!r} of {name} in {root} has no photographs; check its list and its folders")
    return dataset
