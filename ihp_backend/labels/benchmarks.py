"""The label sets of the benchmarks, ids in the order in which their masks circulate.

"Left" and "right" are the person's own, as in all of these data sets.
"""

from __future__ import annotations

from ihp_backend.labels.label_set import LabelSet

_LIMBS = ("head", "torso", "upper arms", "lower arms", "upper legs", "lower legs")
_LIMBS_M2FP = ("lower arms", "head", "upper legs", "torso", "lower legs", "upper arms")


def _joints(
    head: tuple[int, ...],
    upper: tuple[int, ...],
    lower: tuple[int, ...],
    arms: tuple[int, int],
    legs: tuple[int, int],
    shoes: tuple[int, int],
) -> dict[str, frozenset[int]]:
    """The nine joints of SSL, from its published code; pairs are left and right."""
    sided = {
        f"{side} {name}": frozenset({pair[number]})
        for name, pair in (("arm", arms), ("leg", legs), ("shoe", shoes))
        for number, side in enumerate(("left", "right"))
    }
    return {"head": frozenset(head), "upper body": frozenset(upper), "lower body": frozenset(lower), **sided}


CCP = LabelSet(
    names=(
        "background", "hat", "hair", "glove", "sunglasses", "upper clothes", "dress", "coat", "socks", "pants",
        "torso skin", "scarf", "skirt", "face", "left arm", "right arm", "left leg", "right leg", "left shoe",
        "right shoe", "bag", "belt", "accessory", "jumpsuit",
    ),
    flip_pairs=((14, 15), (16, 17), (18, 19)),
    regions={
        "head": frozenset({1, 2, 4, 13}),
        "body": frozenset({3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}),
    },
    joints=_joints((1, 2, 4, 13), (5, 7, 11), (9, 12), (14, 15), (16, 17), (18, 19)),
)  # fmt: skip
"""Clothing Co-Parsing (Yang, Luo, Lin 2014), its 59 garment names joined to 24 labels."""

HUMAN18 = LabelSet(
    names=(
        "background", "hat", "hair", "glove", "sunglasses", "upper clothes", "dress", "coat", "socks", "pants",
        "jumpsuit", "scarf", "skirt", "skin", "shoes", "bag", "belt", "accessory",
    ),
    regions={
        "head": frozenset({1, 2, 4}),
        "body": frozenset({3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}),
    },
    joints={"head": frozenset({1, 2, 4}), "upper body": frozenset({5, 7, 11}), "lower body": frozenset({9, 12}),
            "shoes": frozenset({14})},
)  # fmt: skip
"""Clothing Co-Parsing as people drew it: no sides, and skin in one piece, most of which is the body's."""

LIP = LabelSet(
    names=(
        "background", "hat", "hair", "glove", "sunglasses", "upper clothes", "dress", "coat", "socks", "pants",
        "jumpsuits", "scarf", "skirt", "face", "left arm", "right arm", "left leg", "right leg", "left shoe",
        "right shoe",
    ),
    flip_pairs=((14, 15), (16, 17), (18, 19)),
    regions={
        "head": frozenset({1, 2, 4, 13}),
        "body": frozenset({3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19}),
    },
    joints=_joints((1, 2, 4, 13), (5, 7, 11), (9, 12), (14, 15), (16, 17), (18, 19)),
)  # fmt: skip
"""Look Into Person (Gong et al. 2017)."""

CIHP = LabelSet(
    names=(*LIP.names[:10], "torso skin", *LIP.names[11:]),
    flip_pairs=LIP.flip_pairs,
    regions=LIP.regions,
    joints=LIP.joints,
)
"""Crowd Instance-level Human Parsing (Gong et al. 2018): LIP's order, but id 10 is torso skin."""

PASCAL_PERSON_PART = LabelSet(
    names=("background", *_LIMBS),
    regions={"head": frozenset({1}), "body": frozenset({2, 3, 4, 5, 6})},
    joints={name: frozenset({label}) for label, name in enumerate(_LIMBS, 1)},
)
"""PASCAL-Person-Part (Chen et al. 2014) in the order of DeepLab, Graphonomy and SCHP."""

PASCAL_PERSON_PART_M2FP = LabelSet(
    names=("background", *_LIMBS_M2FP),
    regions={"head": frozenset({2}), "body": frozenset({1, 3, 4, 5, 6})},
    joints={name: frozenset({label}) for label, name in enumerate(_LIMBS_M2FP, 1)},
)
"""PASCAL-Person-Part in the other circulating order (M2FP); the topmost part on average tells which one a copy has."""

HELEN = LabelSet(
    names=(
        "background", "face", "left brow", "right brow", "left eye", "right eye", "nose", "upper lip", "inner mouth",
        "lower lip", "hair",
    ),
    flip_pairs=((2, 3), (4, 5)),
    regions={
        "eyes": frozenset({2, 3, 4, 5}),
        "mouth": frozenset({7, 8, 9}),
    },
)  # fmt: skip
"""Helen with the face parts of Smith et al. (2013)."""

ATR = LabelSet(
    names=(
        "background", "hat", "hair", "sunglasses", "upper clothes", "skirt", "pants", "dress", "belt", "left shoe",
        "right shoe", "face", "left leg", "right leg", "left arm", "right arm", "bag", "scarf",
    ),
    flip_pairs=((9, 10), (12, 13), (14, 15)),
    regions={
        "head": frozenset({1, 2, 3, 11}),
        "body": frozenset({4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17}),
    },
    joints=_joints((1, 2, 3, 11), (4, 17), (5, 6), (14, 15), (12, 13), (9, 10)),
)  # fmt: skip
"""Active Template Regression (Liang et al. 2015)."""

BENCHMARKS: dict[str, LabelSet] = {
    "ccp": CCP,
    "ccp-human18": HUMAN18,
    "ccp-atr": ATR,
    "lip": LIP,
    "cihp": CIHP,
    "pascal-person-part": PASCAL_PERSON_PART,
    "pascal-person-part-m2fp": PASCAL_PERSON_PART_M2FP,
    "helen": HELEN,
    "atr": ATR,
}
"""Every benchmark's labels by the name used on the command line."""
