from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.labels import ATR, BENCHMARKS, CCP, CIHP, HELEN, LIP, PASCAL_PERSON_PART, LabelSet, match_labels


@pytest.mark.parametrize(
    ("wanted", "available", "label"),
    [
        ("Background", CCP, "background"),
        ("bg", CCP, "background"),
        ("UpperClothes", CCP, "upper clothes"),
        ("upper-clothes", CCP, "upper clothes"),
        ("upper", CCP, "upper clothes"),
        ("top", CCP, "upper clothes"),
        ("Shirt", CCP, "upper clothes"),
        ("T-Shirt", CCP, "upper clothes"),
        ("left-arm", CCP, "left arm"),
        ("larm", CCP, "left arm"),
        ("l-arm", CCP, "left arm"),
        ("Left arm", CCP, "left arm"),
        ("arm_left", CCP, "left arm"),
        ("LeftArms", CCP, "left arm"),
        ("RIGHT_SHOES", CCP, "right shoe"),
        ("right boot", CCP, "right shoe"),
        ("glasses", CCP, "sunglasses"),
        ("trousers", CCP, "pants"),
        ("Jeans", LIP, "pants"),
        ("sock", LIP, "socks"),
        ("jumpsuit", LIP, "jumpsuits"),
        ("dresses", ATR, "dress"),
        ("accessories", CCP, "accessory"),
        ("torso-skin", CIHP, "torso skin"),
        ("l_brow", HELEN, "left brow"),
        ("left eyebrow", HELEN, "left brow"),
        ("face skin", HELEN, "face"),
        ("u_lip", HELEN, "upper lip"),
        ("l_lip", HELEN, "lower lip"),
        ("Upper arm", PASCAL_PERSON_PART, "upper arms"),
        ("upper-leg", PASCAL_PERSON_PART, "upper legs"),
    ],
)
def test_spellings_and_synonyms(wanted: str, available: LabelSet, label: str) -> None:
    match = match_labels([wanted], available)
    assert match.ids == {wanted: available.id_of(label)}
    assert match.unmatched == ()
    assert label not in match.unused


@pytest.mark.parametrize("wanted", ["arm", "left hand", "lip", "torso", "", "-", "顔", "dresss"])
def test_nothing_is_guessed(wanted: str) -> None:
    match = match_labels([wanted], CCP)
    assert match.unmatched == (wanted,)
    assert match.reasons[wanted] == "the model has no such label"


def test_exact_beats_spelling_beats_synonym() -> None:
    available = LabelSet(("background", "shirt", "Top", "top"))
    assert match_labels(["top", "shirt"], available).ids == {"top": 3, "shirt": 1}
    match = match_labels(["shirt", "UPPER CLOTHES"], CCP)
    assert match.ids == {"UPPER CLOTHES": 5}
    assert match.reasons == {"shirt": "'upper clothes' already serves 'UPPER CLOTHES'"}


def test_equal_spellings_share_a_label() -> None:
    assert match_labels(["left arm", "LeftArm", "l-arm"], CCP).ids == dict.fromkeys(
        ("left arm", "LeftArm", "l-arm"), 14
    )


def test_rivals_stay_unmatched_with_the_reason() -> None:
    match = match_labels(["shirt", "top", "hat"], CCP)
    assert match.ids == {"hat": 1}
    assert match.unmatched == ("shirt", "top")
    assert match.reasons["shirt"] == "competes with 'top' for 'upper clothes'"


def test_a_kind_counts_where_no_synonym_does() -> None:
    assert match_labels(["shorts", "left sandal"], CCP).ids == {"shorts": 9, "left sandal": 18}
    assert match_labels(["shorts"], CCP).guessed == {"shorts": "kind"}
    match = match_labels(["shorts", "trousers"], CCP)
    assert match.ids == {"trousers": 9}
    assert match.reasons == {"shorts": "'pants' already serves 'trousers'"}


def test_a_name_that_fits_two_labels_stays_unmatched() -> None:
    match = match_labels(["blouse"], LabelSet(("background", "shirt", "top")))
    assert match.reasons == {"blouse": "fits 'shirt' and 'top'"}


def test_says_which_names_were_guessed() -> None:
    match = match_labels(["hat", "Trousers", "LeftArm", "l-arm", "wings"], CCP)
    assert match.guessed == {"Trousers": "synonym", "LeftArm": "spelling", "l-arm": "spelling"}


def test_describe() -> None:
    text = match_labels(["hat", "wings"], LabelSet(("background", "hat", "hair"))).describe()
    assert text == (
        "1 of 2 labels matched; unmatched: 'wings' (the model has no such label); not asked for: background, hair."
    )


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_matches_itself(name: str) -> None:
    labels = BENCHMARKS[name]
    match = match_labels(labels.names, labels)
    assert match.ids == {label: index for index, label in enumerate(labels.names)}
    assert match.unused == ()


@given(st.lists(st.one_of(st.text(max_size=12), st.sampled_from([*CCP.names, "top", "L-Arm", "bg"])), max_size=30))
def test_any_names_are_sorted_into_matched_and_unmatched(wanted: list[str]) -> None:
    match = match_labels(wanted, CCP)
    assert sorted([*match.ids, *match.unmatched]) == sorted(set(wanted))
    assert set(match.reasons) == set(match.unmatched)
    assert {CCP.names[label] for label in match.ids.values()}.isdisjoint(match.unused)
    assert {name: CCP.id_of(name) for name in wanted if name in CCP.names}.items() <= match.ids.items()
    assert match.describe()
