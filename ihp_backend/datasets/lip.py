"""LIP, Look Into Person (Gong et al. 2017): single people cut out of COCO photographs, 20 labels."""

from __future__ import annotations

from ihp_backend.datasets.layouts import Layout, Source, list_files
from ihp_backend.datasets.sourced_pairs import SourcedPairs
from ihp_backend.labels import LIP


def _layouts(split: str, folder: str) -> tuple[Layout, ...]:
    lists = list_files(split)
    return (
        Layout(
            f"TrainVal_images/{split}_images/{{id}}.jpg",
            f"TrainVal_parsing_annotations/{split}_segmentations/{{id}}.png",
            list_files(split, "TrainVal_images"),
        ),
        Layout(f"{split}_images/{{id}}.jpg", f"{split}_segmentations/{{id}}.png", lists),
        Layout(f"{folder}/Images/{{id}}.jpg", f"{folder}/Category_ids/{{id}}.png", list_files(split, folder)),
        Layout(f"{split}_images/{{id}}.jpg", f"{split}_labels/{{id}}.png", (f"{split}.txt", *lists)),
    )


SOURCE = Source(
    title="LIP",
    layouts={"train": _layouts("train", "Training"), "val": _layouts("val", "Validation")},
    remedy="give the folder that holds them; LIP is to be had at sysu-hcp.net/lip (see docs/datasets.md)",
    ids_like="1000_1234574",
    no_split="the masks of its test photographs were never published",
)


class LipDataset(SourcedPairs):
    """One split of LIP; see ``SourcedPairs``."""

    source, named = SOURCE, LIP
