"""SourcedPairs: a data set of pairs that circulates in several layouts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ihp_backend.datasets.layouts import Source
from ihp_backend.datasets.mask_options import Beyond, MaskOptions, Sides
from ihp_backend.datasets.paired_files import Pair, PairedFiles
from ihp_backend.datasets.reading import IdsIn
from ihp_backend.labels import LabelSet


class SourcedPairs(PairedFiles):
    """One split of the data set that a subclass names.

    Args:
        root: folder of the data set, as distributed or re-packed (see the subclass's ``source``).
        split: "train", "val" or, where the data set has it, "test".
        layout, ids, exact_names: see ``Source.find``.
        first_id, ids_in, beyond, sides, upright: see ``MaskOptions``.

    Attributes:
        source: as it circulates.
        named: its labels.

    Raises:
        FileNotFoundError: the folder has none of the layouts, or no list of that split.
        ValueError: the split or a value does not exist, or the list cannot be read.
    """

    source: ClassVar[Source]
    named: LabelSet

    def __init__(
        self,
        root: Path | str,
        split: str,
        *,
        layout: int | None = None,
        ids: str | None = None,
        exact_names: bool = False,
        first_id: int | None = None,
        ids_in: IdsIn | None = None,
        beyond: Beyond | None = None,
        sides: Sides | None = None,
        upright: bool | None = None,
    ) -> None:
        found = self.source.find(root, split, layout=layout, ids=ids, exact_names=exact_names)
        options = MaskOptions(first_id, ids_in, beyond, sides, upright)
        table, told = self._order(found.pairs, options)
        super().__init__(found.pairs, self.named, table, options, {**found.assumptions, **told})

    def _order(self, pairs: Sequence[Pair], options: MaskOptions) -> tuple[Sequence[int] | None, Mapping[str, str]]:
        """The label of each id in the files, where orders differ, and what was assumed for it."""
        return None, {}
