"""Corrections against scipy's labelling and exact distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import correction_click, correction_clicks
from tests.clicks.references import correction_choices
from tests.clicks.scenes import SEEDS, blobs, wild_maps


def some_pixels(shape: tuple[int, ...], seed: int, share: float = 0.2) -> set[tuple[int, int]]:
    """(x, y) of random pixels."""
    return {(int(x), int(y)) for y, x in np.argwhere(np.random.default_rng(seed).random(shape) < share)}


def to_correct(
    parsing: NDArray[np.uint8], predicted: NDArray[np.uint8], clicked: set[tuple[int, int]]
) -> NDArray[np.bool_]:
    """The wrong pixels, one by one."""
    wrong = np.zeros(parsing.shape, bool)
    for y, x in np.ndindex(*parsing.shape):
        wrong[y, x] = parsing[y, x] not in (255, predicted[y, x]) and (x, y) not in clicked
    return wrong


@settings(deadline=None)
@given(wild_maps(2), SEEDS, SEEDS, st.integers(0, 4), st.integers(1, 6))
def test_corrections_on_wild_maps(
    maps: list[NDArray[np.uint8]], seed: int, clicked_seed: int, count: int, candidates: int
) -> None:
    parsing, predicted = maps
    clicked = some_pixels(parsing.shape, clicked_seed)
    wrong = to_correct(parsing, predicted, clicked)
    choices = correction_choices(wrong, parsing, np.random.default_rng(seed), count, candidates)
    rng = np.random.default_rng(seed)
    clicks = correction_clicks(parsing, predicted, rng, count, candidates=candidates, clicked=clicked)
    for click, choice in zip(clicks, choices, strict=True):
        assert click.positive
        assert click.label == choice.label == parsing[click.y, click.x] != 255
        assert choice.allows(click.x, click.y)


@pytest.mark.parametrize("seed", range(8))
def test_the_correction_lies_in_the_largest_wrong_region(seed: int) -> None:
    parsing, predicted = blobs(seed, ignored=True), blobs(seed + 100)
    click = correction_click(parsing, predicted, np.random.default_rng(seed))
    (choice,) = correction_choices(to_correct(parsing, predicted, set()), parsing, np.random.default_rng(seed), 1)
    assert click is not None
    assert click.label == choice.label == parsing[click.y, click.x]
    assert choice.allows(click.x, click.y)


def test_several_corrections_come_from_the_largest_regions_downwards() -> None:
    parsing = np.zeros((50, 50), np.uint8)
    for label, side in ((1, 4), (2, 12), (3, 8)):
        parsing[label * 13 - 8 : label * 13 + side - 8, 5 : 5 + side] = label
    clicks = correction_clicks(parsing, np.zeros_like(parsing), np.random.default_rng(0), 5)
    assert [click.label for click in clicks] == [2, 3, 1]


def test_a_correction_answers_for_the_true_label() -> None:
    """Two parts of 40 pixels each are shown as one; a third is missing over 60 pixels."""
    parsing, predicted = np.zeros((2, 30, 30), np.uint8)
    parsing[0:4, 0:10], parsing[0:4, 10:20], parsing[20:26, 0:10] = 1, 2, 3
    predicted[0:4, 0:20] = 5
    correction = correction_click(parsing, predicted, np.random.default_rng(0))
    assert correction is not None
    assert (correction.label, correction.y >= 20, correction.positive) == (3, True, True)


def test_nothing_to_correct() -> None:
    parsing, rng = blobs(0, ignored=True), np.random.default_rng(0)
    everywhere = some_pixels(parsing.shape, 0, share=2)
    assert correction_click(parsing, blobs(0), rng) is None
    assert correction_click(np.full_like(parsing, 255), blobs(0), rng) is None
    assert correction_click(parsing, blobs(1), rng, clicked=everywhere) is None
    assert correction_click(parsing, blobs(1), rng, clicked=everywhere - {(20, 20)}) is not None


@settings(deadline=None)
@given(wild_maps(2), SEEDS)
def test_who_is_never_followed_clicks_every_wrong_pixel_once(maps: list[NDArray[np.uint8]], seed: int) -> None:
    parsing, predicted = maps
    rng, clicked = np.random.default_rng(seed), set[tuple[int, int]]()
    while click := correction_click(parsing, predicted, rng, clicked=clicked):
        assert (click.x, click.y) not in clicked
        clicked.add((click.x, click.y))
    wrong = to_correct(parsing, predicted, set())
    assert clicked == {(int(x), int(y)) for y, x in np.argwhere(wrong)}


def test_label_maps_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"predicted: size \(1, 9\) given; the parsing's, \(8, 9\), needed"):
        correction_click(np.zeros((8, 9), np.uint8), np.zeros((1, 9), np.uint8), np.random.default_rng(0))
