"""Simulated annotators against slow references (scipy's labelling and exact distance transform)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from ihp_backend.clicks import Click, central_clicks, correction_click, correction_clicks, random_clicks

EIGHT = np.ones((3, 3), int)


def blobs(seed: int, height: int = 48, width: int = 40, labels: int = 5, ignored: bool = False) -> NDArray[np.uint8]:
    """A label map of smooth random regions."""
    noise = np.random.default_rng(seed).normal(size=(labels, height, width))
    parsing = np.stack([ndimage.gaussian_filter(plane, 4) for plane in noise]).argmax(0).astype(np.uint8)
    if ignored:
        parsing[:, :5] = 255
    return parsing


def components(parsing: NDArray[np.uint8]) -> list[tuple[int, NDArray[np.bool_]]]:
    """(label, mask) of every 8-connected component that is not background or ignored."""
    found = []
    for label in np.setdiff1d(np.unique(parsing), [0, 255]):
        numbered, count = ndimage.label(parsing == label, EIGHT)
        found += [(int(label), numbered == number) for number in range(1, count + 1)]
    return found


@pytest.mark.parametrize("seed", range(8))
def test_one_central_click_per_component_and_one_on_the_background(seed: int) -> None:
    parsing = blobs(seed, ignored=seed % 2 == 1)
    clicks = central_clicks(parsing, np.random.default_rng(seed), minimum_area=30)
    for label, mask in components(parsing):
        inside = [click for click in clicks if mask[click.y, click.x]]
        assert len(inside) == (mask.sum() >= 30)
        assert all(click.label == label and click.positive for click in inside)
    assert sum(click.label == 0 for click in clicks) == (parsing == 0).any()


def test_with_many_candidates_the_click_is_the_most_central_pixel() -> None:
    parsing = np.zeros((40, 60), np.uint8)
    parsing[5:20, 8:40] = 3
    clicks = central_clicks(parsing, np.random.default_rng(0), candidates=20_000)
    part = next(click for click in clicks if click.label == 3)
    distance = ndimage.distance_transform_edt(np.pad(parsing == 3, 1))[1:-1, 1:-1]
    assert distance[part.y, part.x] == pytest.approx(distance.max(), abs=0.5)


def test_the_image_border_counts_as_boundary() -> None:
    parsing = np.zeros((41, 41), np.uint8)
    parsing[:, :21] = 1
    part = next(c for c in central_clicks(parsing, np.random.default_rng(0), candidates=50_000) if c.label == 1)
    assert abs(part.x - 10) <= 1


def test_the_background_click_keeps_its_distance() -> None:
    parsing = np.zeros((60, 60), np.uint8)
    parsing[20:40, 20:40] = 1
    distance = ndimage.distance_transform_edt(parsing == 0)
    for seed in range(20):
        background = central_clicks(parsing, np.random.default_rng(seed), background_margin=10)[-1]
        assert background.label == 0
        assert distance[background.y, background.x] >= 9.5


def test_a_photograph_without_background_gets_no_background_click() -> None:
    assert [click.label for click in central_clicks(np.full((20, 20), 2, np.uint8), np.random.default_rng(0))] == [2]


@pytest.mark.parametrize("seed", range(8))
def test_the_correction_lies_in_the_largest_wrong_region(seed: int) -> None:
    parsing, predicted = blobs(seed, ignored=True), blobs(seed + 100)
    click = correction_click(parsing, predicted, np.random.default_rng(seed))
    assert click is not None
    wrong = np.where((parsing != predicted) & (parsing != 255), parsing + 1, 0).astype(np.uint8)
    regions = components(wrong)
    largest = max(mask.sum() for _, mask in regions)
    (home,) = [mask for _, mask in regions if mask[click.y, click.x]]
    assert home.sum() == largest
    assert click.label == parsing[click.y, click.x]


def test_several_corrections_come_from_the_largest_regions_downwards() -> None:
    parsing = np.zeros((50, 50), np.uint8)
    for label, side in ((1, 4), (2, 12), (3, 8)):
        parsing[label * 13 : label * 13 + side, 5 : 5 + side] = label
    clicks = correction_clicks(parsing, np.zeros_like(parsing), np.random.default_rng(0), 5)
    assert [click.label for click in clicks] == [2, 3, 1]


def test_nothing_wrong_means_no_correction() -> None:
    parsing = blobs(0, ignored=True)
    assert correction_click(parsing, blobs(0), np.random.default_rng(0)) is None


def test_never_clicks_the_same_pixel_twice() -> None:
    parsing = np.zeros((10, 10), np.uint8)
    parsing[4, 4:7] = 1
    clicked: set[tuple[int, int]] = set()
    for _ in range(3):
        click = correction_click(parsing, np.zeros_like(parsing), np.random.default_rng(1), clicked=clicked)
        assert click is not None
        assert (click.x, click.y) not in clicked
        clicked.add((click.x, click.y))
    assert correction_click(parsing, np.zeros_like(parsing), np.random.default_rng(1), clicked=clicked) is None


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 60))
def test_random_clicks_are_true_and_spare_the_background(seed: int, count: int) -> None:
    parsing = blobs(seed % 10, ignored=True)
    clicks = random_clicks(parsing, np.random.default_rng(seed), count)
    assert all(click.label == parsing[click.y, click.x] != 255 for click in clicks)
    assert len({(click.x, click.y) for click in clicks}) == len(clicks) == count
    assert sum(click.label == 0 for click in clicks) in (range(3, 7) if count >= 6 else range(count + 1))


def test_the_same_generator_clicks_the_same() -> None:
    def annotate() -> list[Click]:
        return central_clicks(blobs(3), np.random.default_rng(7))

    assert annotate() == annotate()
