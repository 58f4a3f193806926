"""CCP person crops: photographs of Clothing Co-Parsing (Yang, Luo, Lin 2014), one full-body person each.

Layout: ``images/ID.jpg``, ``masks24/ID.png`` and ``masks59/ID.png`` (palette images), and ``split.json``, which maps
"train" and "val" to lists of ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ihp_backend.datasets.layouts import check_root
from ihp_backend.datasets.mask_options import Beyond, MaskOptions, Sides
from ihp_backend.datasets.paired_files import PairedFiles
from ihp_backend.datasets.pairing import Pairing
from ihp_backend.datasets.reading import IdsIn
from ihp_backend.datasets.text_files import read_text
from ihp_backend.labels import ATR, CCP, HUMAN18, IGNORE, LabelSet

# The garments that people named, by the label they count as.
_GARMENTS = {
    "hat": ("hat",),
    "hair": ("hair",),
    "glove": ("gloves",),
    "sunglasses": ("glasses", "sunglasses"),
    "upper clothes": ("blouse", "bra", "hoodie", "intimate", "jumper", "shirt", "sweater", "sweatshirt", "swimwear",
                      "t-shirt", "top", "vest"),
    "dress": ("dress",),
    "coat": ("blazer", "cape", "cardigan", "coat", "jacket", "suit"),
    "socks": ("socks", "stockings", "tights"),
    "pants": ("jeans", "leggings", "panties", "pants", "shorts"),
    "jumpsuit": ("bodysuit", "romper"),
    "scarf": ("scarf",),
    "skirt": ("skirt",),
    "skin": ("skin",),
    "shoes": ("boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers", "wedges"),
    "bag": ("bag", "purse", "wallet"),
    "belt": ("belt",),
    "accessory": ("accessories", "bracelet", "earrings", "necklace", "ring", "tie", "watch"),
}  # fmt: skip
_LABEL_OF = {garment: label for label, garments in _GARMENTS.items() for garment in garments}

HUMAN18_TABLE: tuple[int, ...] = (0, *(HUMAN18.id_of(_LABEL_OF[garment]) for garment in sorted(_LABEL_OF)))
"""The HUMAN18 label of each of the 59 ids of ``masks59``: nothing, then the garments in alphabetical order."""

_ATR_NAMES = {"coat": "upper clothes", "torso skin": "face"}

ATR_TABLE: tuple[int, ...] = tuple(
    ATR.id_of(_ATR_NAMES.get(name, name)) if _ATR_NAMES.get(name, name) in ATR.names else IGNORE for name in CCP.names
)
"""The ATR label of each of the 24 ids of ``masks24``; ATR has skin below the face with the face."""

GARMENTS = LabelSet(("background", *sorted(_LABEL_OF)))
"""The labels of ``masks59`` themselves."""


class PersonCrops(PairedFiles):
    """One split of the CCP person crops, in the labels that a subclass names.

    Args:
        root: folder with images, the masks and split.json.
        split: "train" or "val".
        exact_names: whether only files count whose names are exactly the ids with .jpg and .png.
        first_id, ids_in, beyond, sides, upright: see ``MaskOptions``.

    Attributes:
        masks: folder of the masks inside ``root``.
        named: the labels.
        label_of_id: label per id found in the masks, where these differ from the labels' own ids.

    Raises:
        FileNotFoundError: the folder is not laid out as described.
        ValueError: the split does not exist.
    """

    masks: ClassVar[str]
    named: ClassVar[LabelSet]
    label_of_id: ClassVar[tuple[int, ...] | None] = None

    def __init__(
        self,
        root: Path | str,
        split: str,
        *,
        exact_names: bool = False,
        first_id: int | None = None,
        ids_in: IdsIn | None = None,
        beyond: Beyond | None = None,
        sides: Sides | None = None,
        upright: bool | None = None,
    ) -> None:
        options = MaskOptions(first_id, ids_in, beyond, sides, upright)
        pairing = Pairing(Path(root), "images/{id}.jpg", f"{self.masks}/{{id}}.png", exact=exact_names)
        pairs = pairing.named(_ids(Path(root), self.masks, split))
        super().__init__(pairs, self.named, self.label_of_id, options, pairing.names_assumed())


class CcpDataset(PersonCrops):
    """The 24 labels, of which sides and parts of the skin were told by a machine; see ``PersonCrops``."""

    masks, named = "masks24", CCP


class CcpHuman18Dataset(PersonCrops):
    """The HUMAN18 labels, all of them drawn and named by people; see ``PersonCrops``."""

    masks, named, label_of_id = "masks59", HUMAN18, HUMAN18_TABLE


class CcpAtrDataset(PersonCrops):
    """ATR's 18 labels, as far as the 24 tell them: gloves, socks, jumpsuits and accessories are ignored."""

    masks, named, label_of_id = "masks24", ATR, ATR_TABLE


class CcpGarmentsDataset(PersonCrops):
    """The 59 labels that people drew and named, unlike those of any model; see ``PersonCrops``."""

    masks, named = "masks59", GARMENTS


def _ids(root: Path, masks: str, split: str) -> Sequence[str]:
    check_root(root, "give the folder of the CCP person crops (docs/datasets.md)")
    index = root / "split.json"
    missing = [name for name in ("images", masks, "split.json") if not (root / name).exists()]
    if missing:
        raise FileNotFoundError(
            f"root: {root} lacks {' and '.join(missing)}; give the folder of the CCP person crops, which holds images, "
            f"{masks} and split.json (docs/datasets.md)"
        )
    try:
        splits = json.loads(read_text(index)[0])
        ids = {name: [str(item) for item in listed] for name, listed in splits.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{index}: {error}; it maps split names to lists of ids") from None
    if split not in ids:
        raise ValueError(f"split: {split!r} does not exist; {index} has {', '.join(ids)}")
    return ids[split]
