"""Central clicks against scipy's labelling and exact distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click, central_clicks
from tests.clicks.references import background_pixels, central_choices, depth
from tests.clicks.scenes import SEEDS, blobs, disc, wild_maps


def agree(clicks: list[Click], parsing: NDArray[np.uint8], seed: int, margin: int, **options: int) -> None:
    """Asserts that the clicks are the reference's, the background's among those that it allows."""
    choices = central_choices(parsing, np.random.default_rng(seed), **options)
    background = background_pixels(parsing, margin)
    assert len(clicks) == len(choices) + bool(background)
    for click, choice in zip(clicks, choices, strict=False):
        assert click.label == choice.label == parsing[click.y, click.x]
        assert choice.allows(click.x, click.y)
    if background:
        assert clicks[-1].label == 0
        assert (clicks[-1].x, clicks[-1].y) in background
    assert all(click.positive for click in clicks)


@settings(deadline=None)
@given(wild_maps(1), SEEDS, st.integers(1, 6), st.integers(0, 5), st.integers(0, 4))
def test_wild_maps(
    maps: list[NDArray[np.uint8]], seed: int, candidates: int, minimum_area: int, background_margin: int
) -> None:
    parsing = maps[0]
    clicks = central_clicks(
        parsing,
        np.random.default_rng(seed),
        candidates=candidates,
        minimum_area=minimum_area,
        background_margin=background_margin,
    )
    agree(clicks, parsing, seed, background_margin, candidates=candidates, minimum_area=minimum_area)


@pytest.mark.parametrize("seed", range(8))
def test_one_click_per_component_and_one_on_the_background(seed: int) -> None:
    parsing = blobs(seed, height=90, width=70, ignored=seed % 2 == 1)
    clicks = central_clicks(parsing, np.random.default_rng(seed))
    assert len(clicks) > 3
    agree(clicks, parsing, seed, margin=10)


@pytest.mark.parametrize(
    ("parsing", "clicks"),
    [
        (np.zeros((1, 1), np.uint8), [Click(0, 0, 0)]),
        (np.ones((1, 1), np.uint8), [Click(0, 0, 1)]),
        (np.full((1, 1), 255, np.uint8), []),
        (np.full((30, 20), 255, np.uint8), []),
        (np.array([[1, 2]], np.uint8), [Click(0, 0, 1), Click(1, 0, 2)]),
        (np.array([[1, 255, 1]], np.uint8), [Click(0, 0, 1), Click(2, 0, 1)]),
    ],
)
def test_the_smallest_maps(parsing: NDArray[np.uint8], clicks: list[Click]) -> None:
    assert central_clicks(parsing, np.random.default_rng(0), minimum_area=1) == clicks


def test_pixels_that_touch_at_a_corner_are_one_component() -> None:
    # Flipped views, as augmentation hands them out, are as good as copies.
    parsing = np.array([[2, 1], [1, 2]], np.uint8)[:, ::-1]
    clicks = central_clicks(parsing, np.random.default_rng(0), minimum_area=1)
    assert sorted(click.label for click in clicks) == [1, 2]


def test_components_from_the_minimum_area_on_are_clicked() -> None:
    parsing = np.zeros((30, 30), np.uint8)
    parsing[2:8, 2:12] = 1  # 60 pixels
    parsing[20:22, 0:30] = 2
    parsing[20, 0] = 0  # 59 pixels
    assert [click.label for click in central_clicks(parsing, np.random.default_rng(0))] == [1, 0]


def test_the_best_of_five_is_as_central_as_it_should_be() -> None:
    """In a disc of radius R a random pixel lies R / 3 deep on average, the deepest of five 0.63 R (by integration)."""
    parsing = disc(30)
    depths = depth(parsing == 1)
    means = {}
    for candidates in (1, 5):
        clicks = [central_clicks(parsing, np.random.default_rng(seed), candidates=candidates)[0] for seed in range(400)]
        means[candidates] = np.mean([depths[click.y, click.x] for click in clicks])
    assert means[1] == pytest.approx(30 / 3, abs=1.5)
    assert means[5] == pytest.approx(30 * 0.63, abs=1.5)


def test_with_many_candidates_the_click_is_the_most_central_pixel() -> None:
    parsing = np.zeros((40, 60), np.uint8)
    parsing[5:20, 8:40] = 3
    part = central_clicks(parsing, np.random.default_rng(0), candidates=20_000)[0]
    depths = depth(parsing == 3)
    assert depths[part.y, part.x] == depths.max()


def test_the_image_border_counts_as_boundary() -> None:
    parsing = np.zeros((41, 41), np.uint8)
    parsing[:, :21] = 1
    part = central_clicks(parsing, np.random.default_rng(0), candidates=50_000)[0]
    assert abs(part.x - 10) <= 1


def test_the_background_click_is_any_pixel_far_enough_away() -> None:
    parsing = np.zeros((20, 31), np.uint8)
    parsing[:, :10] = 1
    parsing[:, 10] = 255
    places = {
        (click.x, click.y)
        for seed in range(1500)
        for click in central_clicks(parsing, np.random.default_rng(seed))
        if click.label == 0
    }
    assert places == {(x, y) for x in range(20, 31) for y in range(20)}


def test_no_candidates_are_refused() -> None:
    with pytest.raises(ValueError, match="candidates: 0 given; at least 1"):
        central_clicks(disc(10), np.random.default_rng(0), candidates=0)


def test_the_same_generator_clicks_the_same() -> None:
    assert central_clicks(blobs(3), np.random.default_rng(7)) == central_clicks(blobs(3), np.random.default_rng(7))
