"""Which of a model's labels become which of a project's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.labels import CCP, HELEN, HUMAN18, LIP, LabelSet, map_labels

SKIN = {"face", "torso skin", "left arm", "right arm", "left leg", "right leg"}


def names(ids: tuple[int, ...], model: LabelSet = CCP) -> set[str]:
    return {model.names[label] for label in ids}


@pytest.mark.parametrize(
    ("label", "model", "parts"),
    [
        ("shoes", CCP, {"left shoe", "right shoe"}),
        ("Boots", LIP, {"left shoe", "right shoe"}),
        ("arm", CCP, {"left arm", "right arm"}),
        ("Legs", CCP, {"left leg", "right leg"}),
        ("eyes", HELEN, {"left eye", "right eye"}),
        ("eyebrows", HELEN, {"left brow", "right brow"}),
        ("skin", CCP, SKIN),
        ("Head", CCP, {"face", "hair", "hat", "sunglasses"}),
        ("bottoms", CCP, {"pants", "skirt"}),
        ("Human", LIP, {*LIP.names[1:]}),
    ],
)
def test_a_whole_is_its_parts(label: str, model: LabelSet, parts: set[str]) -> None:
    mapping = map_labels(["background", label], model)
    assert names(mapping.ids[label], model) == parts
    assert mapping.origins[label] == "parts"
    assert mapping.unknown == {}
    assert names(mapping.background, model) == {*model.names[1:]} - parts


def test_what_has_a_label_of_its_own_is_no_part_of_another() -> None:
    mapping = map_labels(["face", "skin", "person", "left shoe", "shoe"], CCP)
    assert names(mapping.ids["skin"]) == SKIN - {"face"}
    assert names(mapping.ids["shoe"]) == {"right shoe"}
    assert names(mapping.ids["person"]) == {*CCP.names[1:]} - SKIN - {"left shoe", "right shoe"}
    assert mapping.background == ()


def test_a_model_that_knows_a_whole_itself_knows_it_and_its_parts() -> None:
    model = LabelSet((*CCP.names, "shoes"))
    mapping = map_labels(["shoes"], model)
    assert mapping.ids == {"shoes": (24, 18, 19)}
    assert mapping.origins == {"shoes": "name"}


def test_labels_of_one_spelling_share_their_parts() -> None:
    assert map_labels(["shoes", "Shoe"], CCP).ids == {"shoes": (18, 19), "Shoe": (18, 19)}


def test_the_config_says_otherwise() -> None:
    given = {"top": ("upper-clothes", "jacket"), "hat": ("Background",), "all": ("shoes", "bag", "Rucksack")}
    mapping = map_labels(["background", "top", "hat", "all", "hair"], CCP, given)
    assert {name: names(ids) for name, ids in mapping.ids.items()} == {
        "background": {"background"},
        "top": {"upper clothes", "coat"},
        "all": {"left shoe", "right shoe", "bag"},
        "hair": {"hair"},
    }
    assert {name for name, origin in mapping.origins.items() if origin == "predicted_values"} == {"top", "all"}
    assert set(mapping.unknown) == {"hat"}
    assert "hat" in names(mapping.background)


def test_what_the_config_gives_to_the_background_stays_there() -> None:
    mapping = map_labels(["BG", "coat", "person"], CCP, {"BG": ("coat", "bag")})
    assert names(mapping.ids["BG"]) == {"background", "coat", "bag"}
    assert mapping.unknown == {"coat": "'coat' goes to another label by its predicted_values"}
    assert {"coat", "bag"}.isdisjoint(names(mapping.ids["person"]))


def test_what_the_model_does_not_have_is_told_and_the_name_counts() -> None:
    mapping = map_labels(["hat", "top"], CCP, {"hat": ("crown",), "top": ("coat", "tiara")})
    assert mapping.ids == {"hat": (1,), "top": (7,)}
    assert mapping.not_found == {"hat": ("crown",), "top": ("tiara",)}
    assert mapping.origins == {"hat": "name", "top": "predicted_values"}


def test_an_alias_speaks_for_a_name_that_says_nothing() -> None:
    mapping = map_labels(
        ["Gesicht", "Schuhe", "hat"], CCP, aliases={"Gesicht": "face", "Schuhe": "shoes", "hat": "hair"}
    )
    assert mapping.ids == {"Gesicht": (13,), "Schuhe": (18, 19), "hat": (1,)}
    assert mapping.origins == {"Gesicht": "alias", "Schuhe": "parts", "hat": "name"}


def test_the_headline_labels_are_all_known_to_the_packaged_model() -> None:
    mapping = map_labels(HUMAN18.names, CCP)
    assert mapping.unknown == {}
    assert mapping.background == ()


LABEL = st.one_of(st.text(max_size=8), st.sampled_from([*CCP.names, "shoes", "skin", "person", "Head", "bg", "L-Arm"]))


@given(st.lists(LABEL, max_size=12), st.dictionaries(LABEL, st.lists(LABEL, max_size=4), max_size=6))
def test_any_labels_are_known_or_told_and_nothing_becomes_two(wanted: list[str], given: dict[str, list[str]]) -> None:
    mapping = map_labels(wanted, CCP, given)
    assert sorted([*mapping.ids, *mapping.unknown]) == sorted(set(wanted))
    assert set(mapping.origins) == set(mapping.ids)
    alike: dict[int, set[tuple[int, ...]]] = {}
    for ids in mapping.ids.values():
        assert len(set(ids)) == len(ids) > 0
        for label in ids:
            alike.setdefault(label, set()).add(ids)
    # Only labels that are spelled alike share the model's, and then all of them.
    assert all(len(sharing) == 1 for label, sharing in alike.items() if label)
    assert {*mapping.background}.isdisjoint(alike)
    assert {*mapping.background} | {*alike} | {0} == set(range(len(CCP)))
    assert mapping.describe(CCP)
