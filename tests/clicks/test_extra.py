"""Extra clicks: their places, their labels and how many of them lie on the background."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click, near_edge_clicks, random_clicks
from tests.clicks.references import near_edges
from tests.clicks.scenes import SEEDS, blobs, wild_maps

EVERYTHING = 1000
"""More clicks than a wild map has pixels of a kind."""


def places(clicks: list[Click]) -> set[tuple[int, int]]:
    return {(click.x, click.y) for click in clicks}


def check(
    clicks: list[Click], parsing: NDArray[np.uint8], allowed: set[tuple[int, int]], count: int, limits: tuple[int, int]
) -> None:
    """Asserts what holds for all extra clicks: true, different, where allowed, and as many as there can be."""
    assert all(click.positive and click.label == parsing[click.y, click.x] != 255 for click in clicks)
    assert len(places(clicks)) == len(clicks)
    assert places(clicks) <= allowed
    on_background = sum(click.label == 0 for click in clicks)
    room = sum(parsing[y, x] == 0 for x, y in allowed)
    drawn = [min(number, count) for number in range(limits[0], limits[1] + 1)]
    assert (on_background, len(clicks) - on_background) in [
        (min(number, room), min(count - number, len(allowed) - room)) for number in drawn
    ]


@settings(deadline=None)
@given(wild_maps(1), SEEDS, st.integers(0, 20), st.tuples(st.integers(0, 3), st.integers(3, 6)))
def test_random_clicks_on_wild_maps(
    maps: list[NDArray[np.uint8]], seed: int, count: int, limits: tuple[int, int]
) -> None:
    parsing = maps[0]
    known = {(int(x), int(y)) for y, x in np.argwhere(parsing != 255)}
    clicks = random_clicks(parsing, np.random.default_rng(seed), count, background_limits=limits)
    check(clicks, parsing, known, count, limits)


@settings(deadline=None)
@given(wild_maps(1), SEEDS, st.integers(0, 20), st.tuples(st.integers(0, 3), st.integers(3, 6)), st.integers(0, 4))
def test_near_edge_clicks_on_wild_maps(
    maps: list[NDArray[np.uint8]], seed: int, count: int, limits: tuple[int, int], margin: int
) -> None:
    parsing = maps[0]
    clicks = near_edge_clicks(parsing, np.random.default_rng(seed), count, margin=margin, background_limits=limits)
    check(clicks, parsing, near_edges(parsing, margin), count, limits)


@settings(deadline=None)
@given(wild_maps(1), st.integers(0, 4))
def test_every_pixel_near_an_edge_can_be_clicked(maps: list[NDArray[np.uint8]], margin: int) -> None:
    parsing, limits = maps[0], (EVERYTHING, EVERYTHING)
    rng = np.random.default_rng(0)
    background = near_edge_clicks(parsing, rng, EVERYTHING, margin=margin, background_limits=limits)
    parts = near_edge_clicks(parsing, rng, EVERYTHING, margin=margin, background_limits=(0, 0))
    assert places(background + parts) == near_edges(parsing, margin)


@pytest.mark.parametrize("seed", range(4))
def test_near_edges_of_smooth_parts(seed: int) -> None:
    parsing = blobs(seed, ignored=True)
    allowed = near_edges(parsing, 2)
    assert 0 < len(allowed) < (parsing != 255).sum()
    clicks = near_edge_clicks(parsing, np.random.default_rng(seed), 10_000, margin=2)
    check(clicks, parsing, allowed, 10_000, (3, 6))


def test_neither_the_image_border_nor_padding_is_an_edge() -> None:
    parsing = np.full((30, 30), 3, np.uint8)
    parsing[:, 20:] = 255
    assert near_edge_clicks(parsing, np.random.default_rng(0), 15) == []
    assert len(random_clicks(parsing, np.random.default_rng(0), 15)) in range(9, 13)


def test_a_map_in_which_all_is_ignored_gets_no_clicks() -> None:
    nothing = np.full((12, 9), 255, np.uint8)
    assert random_clicks(nothing, np.random.default_rng(0), 15) == []
    assert near_edge_clicks(nothing, np.random.default_rng(0), 15) == []


def test_the_number_on_the_background_is_drawn_evenly_from_its_limits() -> None:
    parsing = blobs(0)
    numbers = [
        sum(click.label == 0 for click in random_clicks(parsing, np.random.default_rng(seed), 15))
        for seed in range(400)
    ]
    counted = np.bincount(numbers, minlength=7)
    assert counted[:3].sum() == counted[7:].sum() == 0
    # Each 100 on average with a standard deviation of 9.
    assert (np.abs(counted[3:7] - 100) < 40).all()


def test_clicks_on_parts_are_spread_evenly() -> None:
    parsing = np.ones((40, 40), np.uint8)
    parsing[:, 30:] = 2
    clicks = [
        click
        for seed in range(50)
        for click in random_clicks(parsing, np.random.default_rng(seed), 40, background_limits=(0, 0))
    ]
    assert len(clicks) == 2000
    # 1,500 of the 2,000 on average with a standard deviation of 19.
    assert sum(click.label == 1 for click in clicks) == pytest.approx(1500, abs=80)
