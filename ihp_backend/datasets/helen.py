"""Helen with the face parts of Smith et al. (2013), 11 labels.

Each photograph has eleven grey images with the probability of one label; the most probable label counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ihp_backend.datasets.layouts import check_root
from ihp_backend.datasets.mask_options import MaskOptions, Sides
from ihp_backend.datasets.pairing import Pairing
from ihp_backend.datasets.reading import read_mask, read_photograph
from ihp_backend.datasets.sample import Sample, check_same_size
from ihp_backend.datasets.text_files import read_lines
from ihp_backend.labels import HELEN, LabelSet

LISTS = {"train": "exemplars.txt", "val": "tuning.txt", "test": "testing.txt"}
"""The lists of the splits, by the names the other data sets use."""

_INNER = "SmithCVPR2013_dataset_resized"
_REMEDY = (
    "give the folder SmithCVPR2013_dataset_resized, to be had at pages.cs.wisc.edu/~lizhang/projects/face-parsing "
    "(see docs/datasets.md)"
)


class HelenDataset:
    """One split of Helen.

    Args:
        root: folder with images, labels, exemplars.txt, tuning.txt and testing.txt, or the one around it.
        split: "train" (exemplars), "val" (tuning) or "test" (testing).
        exact_names: whether only files count whose names are exactly as the list has them.
        sides: whose left and right the labels name, the "person"'s own or the "viewer"'s; None is the person's.

    Attributes:
        assumptions: what was assumed about the files, by the option that says otherwise.
        if_empty: what to do where there are no photographs.

    Raises:
        FileNotFoundError: the folder is not laid out as described.
        ValueError: the split does not exist, or a line of its list cannot be understood.
    """

    labels: LabelSet = HELEN

    if_empty = "check the list of its ids and its folders"

    def __init__(self, root: Path | str, split: str, *, exact_names: bool = False, sides: Sides | None = None) -> None:
        if split not in LISTS:
            raise ValueError(f"split: {split!r} does not exist; Helen has {', '.join(LISTS)}")
        self.root = _base(Path(root), LISTS[split])
        index = self.root / LISTS[split]
        texts, encoding = read_lines(index)
        lines = [line.rpartition(",") for line in texts]
        for number, comma, name in lines:
            if not comma or not name.strip():
                raise ValueError(f"{index}: line {number + comma + name!r} is not 'number, name'; {_REMEDY}")
        self.ids: Sequence[str] = [name.strip() for _, _, name in lines]
        pairing = Pairing(self.root, "images/{id}.jpg", "labels/{id}/{id}_lbl00.png", exact=exact_names)
        self._photographs = [pair.photograph for pair in pairing.named(self.ids)]
        options = MaskOptions(sides=sides)
        self._table = np.array(options.table(HELEN, None), np.uint8)
        told = pairing.names_assumed()
        if encoding != "UTF-8":
            told["ids"] = f"{index} is {encoding}, by its byte order mark; save it as UTF-8 if its names look wrong"
        if sides is None:
            told["sides"] = options.assumptions(HELEN, [], [])["sides"]
        self.assumptions: Mapping[str, str] = told

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        """The sample at ``index``; raises ``SampleError`` when its files are faulty."""
        name = self.ids[index]
        photograph = self._photographs[index]
        image, parsing = read_photograph(photograph), self.parsing(index)
        check_same_size(parsing.shape, image.shape, self.root / "labels" / name, photograph)
        return Sample(image, parsing, name)

    def parsing(self, index: int) -> NDArray[np.uint8]:
        """The parsing alone, uint8 (height, width); raises ``SampleError``."""
        name = self.ids[index]
        folder = self.root / "labels" / name
        maps: list[NDArray[np.uint8]] = []
        for label in range(len(HELEN)):
            file = folder / f"{name}_lbl{label:02d}.png"
            maps.append(read_mask(file))
            check_same_size(maps[-1].shape, maps[0].shape, file, folder / f"{name}_lbl00.png")
        return self._table[most_probable(np.stack(maps))]


def most_probable(probabilities: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The label of every pixel; of equally probable ones a part before the background, and a lower id before a higher.

    Args:
        probabilities: uint8 (labels, height, width), 255 stands for 1.

    Returns:
        uint8 (height, width); the background where nothing is probable at all.
    """
    part = 1 + probabilities[1:].argmax(axis=0).astype(np.uint8)
    highest = probabilities[1:].max(axis=0)
    return np.where((highest > 0) & (highest >= probabilities[0]), part, np.uint8(0))


def _base(root: Path, index: str) -> Path:
    check_root(root, _REMEDY)
    for base in (root, root / _INNER):
        if all((base / name).exists() for name in ("images", "labels", index)):
            return base
    if (root / "labels").is_dir() and (root / "train_list.txt").is_file():
        raise FileNotFoundError(
            f"root: {root} holds the relabelled Helen, one mask per photograph, whose figures cannot be compared with "
            f"those of the original labels; {_REMEDY}"
        )
    missing = [name for name in ("images", "labels", index) if not (root / name).exists()]
    raise FileNotFoundError(f"root: {root} lacks {' and '.join(missing)}; {_REMEDY}")
