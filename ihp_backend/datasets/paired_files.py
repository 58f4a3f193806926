"""PairedFiles: a data set of pairs, photograph and mask, which most data sets are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets.mask_options import MaskOptions
from ihp_backend.datasets.reading import read_mask, read_photograph, translated
from ihp_backend.datasets.sample import Sample, check_same_size
from ihp_backend.labels import LabelSet


@dataclass(frozen=True)
class Pair:
    """A sample's name and its two files."""

    id: str
    photograph: Path
    mask: Path


class PairedFiles:
    """Samples from pairs of files, read anew each time; threads and processes may share it.

    Args:
        pairs: the files, in the order of the samples.
        labels: the labels of the parsings that are yielded.
        table: label per id found in the masks, where these differ from the labels' own ids.
        options: how the masks are read.
        assumptions: what was assumed to find the pairs, by the option that says otherwise.

    Attributes:
        if_empty: what to do where there are no pairs.

    Raises:
        ValueError: see ``MaskOptions``.
    """

    if_empty = "check the list of its ids and its folders"

    def __init__(
        self,
        pairs: Sequence[Pair],
        labels: LabelSet,
        table: Sequence[int] | None = None,
        options: MaskOptions | None = None,
        assumptions: Mapping[str, str] | None = None,
    ) -> None:
        self.pairs = pairs
        self.labels = labels
        self.ids: Sequence[str] = [pair.id for pair in pairs]
        self._options = options or MaskOptions()
        self._table = self._options.table(labels, table)
        self._found = dict(assumptions or {})

    @property
    def assumptions(self) -> Mapping[str, str]:
        """Assumptions about the files, by the option that says otherwise; some of the masks are read to make them."""
        masks, photographs = ([getattr(pair, kind) for pair in self.pairs] for kind in ("mask", "photograph"))
        return {**self._found, **self._options.assumptions(self.labels, masks, photographs)}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``.

        Raises:
            SampleError: a file is missing or damaged, the two differ in size, or the mask has unknown ids.
        """
        pair = self.pairs[index]
        image = read_photograph(pair.photograph, upright=bool(self._options.upright))
        parsing = self.parsing(index)
        check_same_size(parsing.shape, image.shape, pair.mask, pair.photograph)
        return Sample(image, parsing, pair.id)

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError``."""
        mask, options = self.pairs[index].mask, self._options
        ids = read_mask(mask, options.ids_in or "indices")
        return translated(ids, self._table, mask, ignore_beyond=options.beyond == "ignore")
