"""ATR, Active Template Regression (Liang et al. 2015, joined by Fashionista and Chictopia10k): fashion, 18 labels.

Several splits circulate, and they contradict each other: the lists in the folder decide. Figures are comparable only
where the 1,000 test photographs are the same (docs/datasets.md).
"""

from __future__ import annotations

from ihp_backend.datasets.layouts import Layout, Source, list_files
from ihp_backend.datasets.sourced_pairs import SourcedPairs
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


class AtrDataset(SourcedPairs):
    """One split of ATR; see ``SourcedPairs``."""

    source, named = SOURCE, ATR
