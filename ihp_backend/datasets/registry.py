"""Every data set by the name used on the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ihp_backend.datasets.atr import AtrDataset
from ihp_backend.datasets.ccp import CcpDataset, CcpGarmentsDataset, CcpHuman18Dataset
from ihp_backend.datasets.cihp import CihpDataset
from ihp_backend.datasets.helen import HelenDataset
from ihp_backend.datasets.lip import LipDataset
from ihp_backend.datasets.pascal_person_part import PascalPersonPartDataset
from ihp_backend.datasets.sample import StoredDataset

DATASETS: dict[str, Callable[..., StoredDataset]] = {
    "ccp": CcpDataset,
    "ccp-human18": CcpHuman18Dataset,
    "ccp-garments": CcpGarmentsDataset,
    "lip": LipDataset,
    "cihp": CihpDataset,
    "pascal-person-part": PascalPersonPartDataset,
    "helen": HelenDataset,
    "atr": AtrDataset,
}
"""Name -> class, constructed with (root, split) and, by keyword, the options that say what is assumed otherwise."""

_SWITCHES = ("exact_names", "shared_photographs", "upright")


def options_of(name: str) -> tuple[str, ...]:
    """The options of a data set, by which what is assumed about its files can be said otherwise."""
    kind: Any = DATASETS[name]
    # A class that hands some of its options on to the one it is made of takes those of both.
    signatures = [inspect.signature(vars(one)["__init__"]) for one in inspect.getmro(kind) if "__init__" in vars(one)]
    found: dict[str, None] = {}
    for signature in signatures:
        found |= {p.name: None for p in signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY}
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values()):
            break
    return tuple(found)


def open_split(name: str, root: Path | str, split: str, options: Mapping[str, Any] | None = None) -> StoredDataset:
    """The data set called ``name``, also where it has no photographs; see ``open_dataset``."""
    if name not in DATASETS:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(DATASETS)}")
    options = options or {}
    for option in options:
        if option not in options_of(name):
            known = ", ".join(options_of(name)) or "none"
            raise ValueError(f"options: {option!r} is unknown; {name} has {known}")
        if option in _SWITCHES and not isinstance(options[option], bool):
            raise ValueError(f"{option}: {options[option]!r} is neither true nor false")
    return DATASETS[name](Path(root), split, **options)


def open_dataset(name: str, root: Path | str, split: str, options: Mapping[str, Any] | None = None) -> StoredDataset:
    """The data set called ``name``.

    Args:
        name: one of ``DATASETS``.
        root: folder of the data set.
        split: "train", "val" or, where the data set has it, "test".
        options: what is assumed otherwise, see the class's keywords (``options_of``).

    Raises:
        FileNotFoundError: the folder is in none of the known layouts.
        ValueError: an unknown name, split or option, or a split without photographs.
    """
    dataset = open_split(name, root, split, options)
    if len(dataset) == 0:
        raise ValueError(f"split: {split!r} of {name} in {root} has no photographs; {dataset.if_empty}")
    return dataset
