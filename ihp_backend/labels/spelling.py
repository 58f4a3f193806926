"""Spelling: when do two label names mean the same part?

``spelling_key`` forgives what is only spelling (case, spaces, hyphens, plural, "l-arm" for "left arm");
``meaning_key`` also forgives common synonyms ("trousers" for "pants"), ``kind_key`` kinds ("shorts" for "pants").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_SIDED_NOUNS = (
    "arm|upperarm|lowerarm|leg|upperleg|lowerleg|shoe|boot|hand|foot|glove|sock|brow|eyebrow|eye|ear|thigh|calf|sleeve"
)
_GLUED_SIDE = re.compile(rf"(left|right|l|r)({_SIDED_NOUNS})")

_SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("background", "bg", "backdrop", "nothing", "none"),
    ("person", "human", "people", "body", "pedestrian", "figure", "silhouette"),
    ("clothes", "clothing", "garment", "apparel", "outfit"),
    ("lower clothes", "lower", "lower clothing", "lower body clothes", "lower garment", "bottoms"),
    ("hat", "cap", "headwear", "beanie"),
    ("glove", "mitten"),
    ("sunglasses", "glasses", "eyeglasses", "eyewear", "spectacles", "shades"),
    ("upper clothes", "upper", "upper clothing", "upper body clothes", "upper garment", "top", "shirt", "t-shirt",
     "tee", "tee shirt", "blouse", "sweater"),
    ("dress", "gown", "frock"),
    ("coat", "jacket", "blazer", "outerwear"),
    ("socks", "stockings"),
    ("pants", "trousers", "jeans", "slacks", "leggings"),
    ("jumpsuit", "romper", "overalls", "dungarees"),
    ("torso skin", "skin torso", "neck"),
    ("scarf", "shawl", "muffler"),
    ("skirt", "mini skirt"),
    ("face", "face skin", "facial skin"),
    ("bag", "handbag", "purse", "backpack", "rucksack"),
    ("accessory", "jewelry", "jewellery"),
    ("shoe", "boot", "sneaker", "footwear", "trainer"),
    ("brow", "eyebrow"),
    ("upper lip", "u lip"),
    ("lower lip", "l lip"),
    ("inner mouth", "mouth"),
    ("lower arm", "forearm"),
    ("upper leg", "thigh"),
    ("lower leg", "calf", "shin"),
)  # fmt: skip

_KINDS: tuple[tuple[str, ...], ...] = (
    ("hat", "headgear", "beret", "helmet", "hood"),
    ("upper clothes", "sweatshirt", "jumper", "pullover", "hoodie", "tank top", "vest"),
    ("coat", "overcoat", "parka", "anorak", "cardigan", "cape", "suit"),
    ("socks", "tights", "hosiery"),
    ("pants", "shorts"),
    ("jumpsuit", "playsuit", "bodysuit"),
    ("skirt", "kilt"),
    ("bag", "satchel", "tote", "clutch", "wallet"),
    ("accessory", "necklace", "bracelet", "earring", "watch", "tie"),
    ("shoe", "sandal", "heel", "loafer", "pump", "flat", "clog", "wedge"),
)  # fmt: skip
"""Kinds of what comes first, most of them as the 59 garments of Clothing Co-Parsing were joined to the 24 labels."""


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _side_and_noun(name: str) -> tuple[str, str]:
    """ "L-Arm", "arm left" and "LeftArms" -> ("left", "arm"); a name without a side has side ""."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    words = [_singular(word) for word in re.split(r"[\W_]+", spaced.casefold()) if word]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    nouns = [word for word in words if word not in _SIDES]
    if len(sides) == 1 and nouns:
        return sides[0], "".join(nouns)
    whole = "".join(words)
    glued = _GLUED_SIDE.fullmatch(whole)
    return (_SIDES[glued[1]], glued[2]) if glued else ("", whole)


@lru_cache(maxsize=4096)  # Every click asks for the same few names.
def spelling_key(name: str) -> str:
    """Key of a name by its spelling: equal where names differ only in that; empty without a letter or digit.

    Examples:
        >>> spelling_key("L-Arm"), spelling_key("left arms"), spelling_key("?")
        ('leftarm', 'leftarm', '')
    """
    return "".join(_side_and_noun(name))


_MEANINGS = {spelling_key(name): "".join(_side_and_noun(group[0])) for group in _SYNONYMS for name in group}


@lru_cache(maxsize=4096)  # Every click asks for the same few names.
def meaning_key(name: str) -> str:
    """Key of a name by its meaning: equal for names that are spelled alike or are common synonyms.

    Examples:
        >>> meaning_key("Trousers") == meaning_key("pants")
        True
        >>> meaning_key("left boot") == meaning_key("right boot")
        False
    """
    side, noun = _side_and_noun(name)
    return _MEANINGS.get(side + noun) or side + _MEANINGS.get(noun, noun)


_KIND_OF = {spelling_key(name): "".join(_side_and_noun(group[0])) for group in _KINDS for name in group[1:]}


@lru_cache(maxsize=4096)  # Every click asks for the same few names.
def kind_key(name: str) -> str:
    """Key of a name by what it is a kind of ("shorts" are pants); where it is none, by its meaning.

    Examples:
        >>> kind_key("shorts") == kind_key("trousers"), kind_key("left sandal") == kind_key("left shoe")
        (True, True)
    """
    side, noun = _side_and_noun(name)
    return side + _KIND_OF[noun] if noun in _KIND_OF else meaning_key(name)


def is_background(name: str) -> bool:
    """Whether ``name`` is "background" or one of its synonyms.

    Examples:
        >>> is_background("BG"), is_background("hat")
        (True, False)
    """
    return meaning_key(name) == "background"


def mirror_pairs(names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Flip pairs of a label set, as (left, right) positions of names that differ only in left and right.

    Examples:
        >>> mirror_pairs(["hat", "left arm", "R-Arm", "left shoe"])
        ((1, 2),)
    """
    positions = {_side_and_noun(name): position for position, name in enumerate(names)}
    return tuple(
        (position, positions["right", noun])
        for (side, noun), position in positions.items()
        if side == "left" and ("right", noun) in positions
    )
