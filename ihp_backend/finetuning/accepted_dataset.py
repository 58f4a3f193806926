"""AcceptedDataset: an accepted set as a data set to train on and to measure with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets import Sample, SampleError
from ihp_backend.datasets.layouts import check_root
from ihp_backend.datasets.sample import counted
from ihp_backend.finetuning.accepted_index import HELD_OUT, INDEX, LEARNED
from ihp_backend.finetuning.accepted_set import AcceptedSet
from ihp_backend.finetuning.photograph_store import PhotographStore
from ihp_backend.finetuning.workspace import PHOTOGRAPHS
from ihp_backend.storage.storage_error import StorageError

_REMEDY = "give accepted/PROJECT of a data folder; what ihp accepted PROJECT --export writes is the data set folder"
SPLITS = {"train": LEARNED, "val": HELD_OUT}


class AcceptedDataset:
    """One split of an accepted set. Pixels that nobody drew are ignored.

    Args:
        root: folder of the set inside a data folder, or with the photographs beside it, as exports were once.
        split: "train", or "val" for what is held out.

    Attributes:
        left_out: task id -> why it is in neither split.
        notes: task id -> what could not be used of it, and why.
        assumptions: none, the index says everything.
        if_empty: what to do where the split has no photographs.

    Raises:
        FileNotFoundError: there is no accepted set.
        ValueError: an unknown split, or a damaged index.
    """

    def __init__(self, root: Path | str, split: str) -> None:
        root = Path(root)
        if split not in SPLITS:
            raise ValueError(f"split: {split!r} does not exist; an accepted set has {', '.join(SPLITS)}")
        check_root(root, _REMEDY)
        own = root / PHOTOGRAPHS
        photographs = own if own.is_dir() else root.parent.parent / PHOTOGRAPHS
        if not (root / INDEX).is_file() or not photographs.is_dir():
            raise FileNotFoundError(f"root: {root} holds no accepted set; {_REMEDY}")
        self._set = AcceptedSet(root, PhotographStore(photographs))
        try:
            index = self._set.read()
        except StorageError as error:
            raise ValueError(str(error)) from None
        assert index is not None  # Its file is there.
        self.labels = index.labels
        self._items = [item for item in index.items if item.split == SPLITS[split]]
        self.ids: Sequence[str] = [str(item.task) for item in self._items]
        self.left_out = {str(task): reason for task, reason in index.left_out.items()}
        self.notes = {str(item.task): item.notes for item in self._items if item.notes}
        self.assumptions: Mapping[str, str] = {}
        self.if_empty = (
            f"its photographs are all in the other split, or left out ({counted(self.left_out) or 'none'}): accept "
            "more work"
        )

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``SampleError``."""
        parsing = self.parsing(index)
        try:
            return Sample(self._set.photograph(self._items[index]), parsing, self.ids[index])
        except StorageError as error:
            raise SampleError(f"task {self.ids[index]}", str(error), "ihp accepted PROJECT makes it again") from None

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError``."""
        try:
            return self._set.label_map(self._items[index])
        except StorageError as error:
            raise SampleError(f"task {self.ids[index]}", str(error), "ihp accepted PROJECT makes it again") from None
