"""The label set of the measured project, and the CCP person crops in it.

It is a team's own and not the packaged model's: nobody here tells left from right or face from arm, so that skin and
footwear are one label each; what the model calls upper clothes is two labels, and so are pants, socks and shoes. Six of
the eighteen the model does not know under any name, and one that it knows, gloves, the team does not ask for. All of it
was drawn and named by people, as the sides and the parts of the skin in ``masks24`` were not.
"""

from __future__ import annotations

from pathlib import Path

from ihp_backend.datasets import CcpHuman18Dataset
from ihp_backend.datasets.paired_files import PairedFiles
from ihp_backend.labels import LabelSet

_GARMENTS = {
    "hair": ("hair",),
    "hat": ("hat",),
    "eyewear": ("glasses", "sunglasses"),
    "top": ("blouse", "bra", "intimate", "shirt", "swimwear", "t-shirt", "tie", "top", "vest"),
    "knitwear": ("hoodie", "jumper", "sweater", "sweatshirt"),
    "outerwear": ("blazer", "cape", "cardigan", "coat", "jacket", "suit"),
    "dress": ("bodysuit", "dress", "romper"),
    "trousers": ("jeans", "leggings", "pants"),
    "shorts": ("panties", "shorts"),
    "skirt": ("skirt",),
    "legwear": ("socks", "stockings", "tights"),
    "skin": ("skin",),
    "footwear": ("clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges"),
    "boots": ("boots",),
    "bag": ("bag", "purse", "wallet"),
    "belt": ("belt",),
    "scarf": ("scarf",),
    "jewellery": ("accessories", "bracelet", "earrings", "necklace", "ring", "watch"),
}
_NOT_ASKED_FOR = ("gloves",)

LABELS = LabelSet(("background", *_GARMENTS))
"""Of the project."""

STRANGE = ("knitwear", "shorts", "legwear", "skin", "footwear", "boots")
"""Those that the packaged model does not know under any name."""

_LABEL_OF = {garment: label for label, garments in _GARMENTS.items() for garment in garments}
_LABEL_OF |= dict.fromkeys(_NOT_ASKED_FOR, "background")


class ProjectDataset(PairedFiles):
    """One split of the CCP person crops as the project's annotators would draw it.

    Args:
        root: folder with images, masks59 and split.json.
        split: "train" or "val".

    Raises:
        FileNotFoundError, ValueError: see ``CcpHuman18Dataset``.
    """

    def __init__(self, root: Path, split: str) -> None:
        # The ids of masks59: nothing, then the garments in alphabetical order.
        table = (0, *(LABELS.id_of(_LABEL_OF[garment]) for garment in sorted(_LABEL_OF)))
        super().__init__(CcpHuman18Dataset(root, split).pairs, LABELS, table)
