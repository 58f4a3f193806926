from __future__ import annotations

import pytest

from ihp_backend.labels import (
    ATR,
    BENCHMARKS,
    CIHP,
    HELEN,
    LIP,
    PASCAL_PERSON_PART,
    PASCAL_PERSON_PART_M2FP,
    mirror_pairs,
)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("ccp", 24),
        ("ccp-human18", 18),
        ("lip", 20),
        ("cihp", 20),
        ("pascal-person-part", 7),
        ("pascal-person-part-m2fp", 7),
        ("helen", 11),
        ("atr", 18),
    ],
)
def test_sizes(name: str, count: int) -> None:
    assert len(BENCHMARKS[name]) == count
    assert BENCHMARKS[name].names[0] == "background"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_flip_pairs_are_the_left_and_right_names(name: str) -> None:
    assert BENCHMARKS[name].flip_pairs == mirror_pairs(BENCHMARKS[name].names)


def test_ids_as_published() -> None:
    assert (LIP.id_of("jumpsuits"), CIHP.id_of("torso skin")) == (10, 10)
    assert LIP.id_of("face") == CIHP.id_of("face") == 13
    assert (ATR.id_of("belt"), ATR.id_of("scarf"), ATR.id_of("left arm")) == (8, 17, 14)
    assert HELEN.names[6:] == ("nose", "upper lip", "inner mouth", "lower lip", "hair")


def test_the_two_orders_of_person_part_differ() -> None:
    assert sorted(PASCAL_PERSON_PART.names) == sorted(PASCAL_PERSON_PART_M2FP.names)
    assert (PASCAL_PERSON_PART.id_of("head"), PASCAL_PERSON_PART_M2FP.id_of("head")) == (1, 2)
    assert (PASCAL_PERSON_PART.id_of("upper arms"), PASCAL_PERSON_PART_M2FP.id_of("upper arms")) == (3, 6)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_regions_do_not_overlap(name: str) -> None:
    grouped = [label for group in BENCHMARKS[name].regions.values() for label in group]
    assert len(grouped) == len(set(grouped))
    assert 0 not in grouped
