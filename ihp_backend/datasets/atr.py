"""ATR, Active Template Regression (Liang et al. 2015, joined by Fashionista and Chictopia10k): fashion, 18 labels.

Several splits circulate, and they contradict each other: the lists in the folder decide. Figures are comparable only
where the 1,000 test photographs are the same (docs/datasets.md).
"""

from __future__ import annotations

from pathlib import Path

from ihp_backend.datasets.layouts import Layout, Source, list_files
from ihp_backend.datasets.paired_files import PairedFiles
from ihp_backend.labels import ATR


def _layouts(split: str, folder: str) -> tuple[Layout, ...]:
    return (
        Layout("JPEGImages/{id}.jpg", "SegmentationClassAug/{id}.png", list_files(split), shared=True),
        Layout("JPEGImages/{id}.jpg", "Segmentations/{id}.png", list_files(split), shared=True),
        Layout(f"{split}_images/{{id}}.jpg", f"{split}_segmentations/{{id}}.png", list_files(split)),
        Layout(f"{folder}/Images/{{id}}.jpg", f"{folder}/Category_ids/{{id}}.png", list_files(split, folder)),
    )


SOURCE = Source(
    title="ATR",
    layouts={
        "train": _layouts("train", "Training"),
        "val": _layouts("val", "Validation"),
        "test": _layouts("test", "Testing"),
    },
    remedy=(
        "give the folder that holds them; the files are linked at github.com/lemondan/HumanParsing-Dataset, lists of "
        "the usual split lie in github.com/hlzhu09/Hierarchical-Human-Parsing under dataset/ATR (see docs/datasets.md)"
    ),
    inner=("humanparsing",),
)


class AtrDataset(PairedFiles):
    """One split of ATR.

    Args:
        root: folder of the data set, as distributed or re-packed (see ``SOURCE``).
        split: "train", "val" or "test", as far as the folder has lists of them.

    Raises:
        FileNotFoundError: the folder has none of the layouts, or no list of that split.
        ValueError: the split does not exist.
    """

    def __init__(self, root: Path | str, split: str) -> None:
        super().__init__(SOURCE.pairs(root, split), ATR)
