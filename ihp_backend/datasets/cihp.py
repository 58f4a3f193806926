"""CIHP, Crowd Instance-level Human Parsing (Gong et al. 2018): photographs of several people, 20 labels.

Read are the ids of parts (``Category_ids``), not those of people (``Human_ids``, ``Instance_ids``) and not the coloured
previews. ``Category_rev_ids`` of some copies hold mirrored masks and are left aside.
"""

from __future__ import annotations

from ihp_backend.datasets.layouts import Layout, Source, list_files
from ihp_backend.datasets.sourced_pairs import SourcedPairs
from ihp_backend.labels import CIHP


def _layouts(split: str, folder: str) -> tuple[Layout, ...]:
    return (
        Layout(f"{folder}/Images/{{id}}.jpg", f"{folder}/Category_ids/{{id}}.png", list_files(split, folder)),
        Layout("Images/{id}.jpg", "Category_ids/{id}.png", list_files(split), shared=True),
    )


SOURCE = Source(
    title="CIHP",
    layouts={"train": _layouts("train", "Training"), "val": _layouts("val", "Validation")},
    remedy="give the folder that holds them; CIHP is to be had at sysu-hcp.net/lip (see docs/datasets.md)",
    inner=("instance-level_human_parsing", "CIHP_4w"),
    ids_like="0000006",
    no_split="the masks of its test photographs were never published",
)


class CihpDataset(SourcedPairs):
    """One split of CIHP; see ``SourcedPairs``."""

    source, named = SOURCE, CIHP
