"""The data sets by name, in Python and on the command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from ihp_backend.datasets.atr import AtrDataset
from ihp_backend.datasets.ccp import CcpAtrDataset, CcpDataset, CcpGarmentsDataset, CcpHuman18Dataset
from ihp_backend.datasets.cihp import CihpDataset
from ihp_backend.datasets.folder_dataset import FolderDataset
from ihp_backend.datasets.helen import HelenDataset
from ihp_backend.datasets.lip import LipDataset
from ihp_backend.datasets.pascal_person_part import PascalPersonPartDataset
from ihp_backend.datasets.sample import StoredDataset

DATASETS: dict[str, Callable[..., StoredDataset] | str] = {
    "ccp": CcpDataset,
    "ccp-human18": CcpHuman18Dataset,
    "ccp-atr": CcpAtrDataset,
    "ccp-garments": CcpGarmentsDataset,
    "lip": LipDataset,
    "cihp": CihpDataset,
    "pascal-person-part": PascalPersonPartDataset,
    "helen": HelenDataset,
    "atr": AtrDataset,
    "folder": FolderDataset,
    # The rooms of these data sets lie below this one: they are imported when somebody asks for them.
    "label-studio": "ihp_backend.label_studio.annotations.export_dataset:ExportDataset",
    "accepted": "ihp_backend.finetuning.accepted_dataset:AcceptedDataset",
}
"""Name -> class, constructed with (root, split) and, by keyword, the options that say what is assumed otherwise."""


def _class_of(name: str) -> Callable[..., StoredDataset]:
    registered = DATASETS[name]
    return resolve_name(registered) if isinstance(registered, str) else registered


def options_of(name: str) -> tuple[str, ...]:
    """The options of a data set, by which what is assumed about its files can be said otherwise.

    Examples:
        >>> options_of("helen")
        ('exact_names', 'sides')
    """
    return tuple(_options(name))


def _options(name: str) -> dict[str, inspect.Parameter]:
    kind: Any = _class_of(name)
    # A class that passes options on to the class it is made of takes the options of both.
    signatures = [inspect.signature(vars(one)["__init__"]) for one in inspect.getmro(kind) if "__init__" in vars(one)]
    found: dict[str, inspect.Parameter] = {}
    for signature in signatures:
        found |= {p.name: p for p in signature.parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY}
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values()):
            break
    return found


def open_split(name: str, root: Path | str, split: str, options: Mapping[str, Any] | None = None) -> StoredDataset:
    """The data set called ``name``, also where it has no photographs; see ``open_dataset``."""
    if name not in DATASETS:
        raise ValueError(f"dataset: {name!r} is unknown; choose one of {', '.join(DATASETS)}")
    options, known = options or {}, _options(name)
    for option in options:
        if option not in known:
            raise ValueError(f"options: {option!r} is unknown; {name} has {', '.join(known) or 'none'}")
        if "bool" in str(known[option].annotation) and not isinstance(options[option], bool):
            raise ValueError(f"{option}: {options[option]!r} is neither true nor false")
    return _class_of(name)(Path(root), split, **options)


def open_dataset(name: str, root: Path | str, split: str, options: Mapping[str, Any] | None = None) -> StoredDataset:
    """The data set called ``name``, opened.

    Args:
        name: one of ``DATASETS``.
        root: folder of the data set.
        split: "train", "val" or, where the data set has it, "test".
        options: what is assumed otherwise, see the class's keywords (``options_of``).

    Raises:
        FileNotFoundError: the folder is in none of the known layouts.
        ValueError: an unknown name, split or option, or a split without photographs.

    Examples:
        >>> open_dataset("imagenet", "data", "val")
        Traceback (most recent call last):
            ...
        ValueError: dataset: 'imagenet' is unknown; choose one of ccp, ccp-human18, ccp-atr, ccp-garments...
    """
    dataset = open_split(name, root, split, options)
    if len(dataset) == 0:
        raise ValueError(f"split: {split!r} of {name} in {root} has no photographs; {dataset.if_empty}")
    return dataset
