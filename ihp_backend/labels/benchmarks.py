"""The label sets of the benchmarks, ids in the order in which their masks circulate."""

from __future__ import annotations

from ihp_backend.labels.label_set import LabelSet

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
)  # fmt: skip
"""Clothing Co-Parsing (Liang et al. 2016), its 59 garment names joined to 24 labels."""
