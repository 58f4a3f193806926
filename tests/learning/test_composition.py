"""Composed views: what is pasted keeps its labels, and views depend on their number alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ihp_backend.datasets import Sample
from ihp_backend.labels import CCP, IGNORE
from ihp_backend.learning.augmentation import random_view
from ihp_backend.learning.composition import CompositionRecipe, texture
from ihp_backend.learning.live_data import LiveData

SIZE, SCALES = (96, 64), (0.5, 1.5)


def sample_of(number: int) -> Sample:
    """Somebody of two labels whose colours say which they are, before grey; every photograph has labels of its own."""
    image, parsing = np.full((120, 60, 3), 128, np.uint8), np.zeros((120, 60), np.uint8)
    for part, label in ((slice(10, 50), 1 + number % 5), (slice(50, 110), 6 + number % 5)):
        image[part, 15:45] = (10 * label, 255 - 10 * label, 60)
        parsing[part, 15:45] = label
    return Sample(image, parsing, str(number))


def views(recipe: CompositionRecipe, count: int = 30) -> list[tuple[np.ndarray, np.ndarray]]:
    return [recipe.draw(sample_of, CCP, SIZE, SCALES, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("recipe", [
    CompositionRecipe(), CompositionRecipe(groups=1), CompositionRecipe(parts=1), CompositionRecipe(textures=1),
    CompositionRecipe(groups=0.5, parts=0.5, textures=0.5),
])  # fmt: skip
def test_views_have_their_size_and_known_labels(recipe: CompositionRecipe) -> None:
    for image, parsing in views(recipe):
        assert image.shape == (*SIZE, 3)
        assert image.dtype == parsing.dtype == np.uint8
        assert parsing.shape == SIZE
        assert set(np.unique(parsing)) <= {*range(11), IGNORE}


def test_without_shares_views_are_the_plain_ones() -> None:
    for seed, (image, parsing) in enumerate(views(CompositionRecipe(), 5)):
        plain = random_view(sample_of(0), CCP, SIZE, SCALES, np.random.default_rng(seed))
        np.testing.assert_array_equal(image, plain[0])
        np.testing.assert_array_equal(parsing, plain[1])


def test_a_group_shows_several_people_in_their_own_colours() -> None:
    people = []
    for image, parsing in views(CompositionRecipe(groups=1, people=4, group_scales=(0.3, 0.6), whole=0.0)):
        shown = np.setdiff1d(np.unique(parsing), (0, IGNORE))
        people.append(len(shown))
        for label in shown:
            mask = parsing == label
            if mask.sum() > 60:  # Light and blurred outlines change colours somewhat.
                red, green, _ = np.median(image[mask], 0)
                assert green - red == pytest.approx(255 - 20 * label, abs=75)
        assert IGNORE not in parsing
    assert np.mean(people) > 3


def test_a_part_fills_the_view() -> None:
    def largest(recipe: CompositionRecipe) -> list[float]:
        """The share of the view that its largest part takes, of each view."""
        counts = [np.bincount(parsing.ravel(), minlength=256)[1:11] for _, parsing in views(recipe, 60)]
        return sorted(float(count.max()) / (SIZE[0] * SIZE[1]) for count in counts)

    assert largest(CompositionRecipe(parts=1))[40] > 1.5 * largest(CompositionRecipe())[40]


def test_a_texture_is_behind_people_and_not_on_them() -> None:
    for image, parsing in views(CompositionRecipe(textures=1), 10):
        background = image[parsing == 0].astype(int)
        for label in np.setdiff1d(np.unique(parsing), (0, IGNORE)):
            if (parsing == label).sum() > 100:
                assert image[parsing == label].std(0).max() < 40
        if len(background) > 500:
            assert (np.abs(background - 128).max(1) > 30).mean() > 0.2


def test_a_photograph_of_nobody_is_a_plain_view() -> None:
    def empty(number: int) -> Sample:
        return Sample(np.zeros((50, 40, 3), np.uint8), np.zeros((50, 40), np.uint8), str(number))

    for recipe in (CompositionRecipe(parts=1), CompositionRecipe(groups=1), CompositionRecipe(textures=1)):
        _, parsing = recipe.draw(empty, CCP, SIZE, SCALES, np.random.default_rng(0))
        assert set(np.unique(parsing)) <= {0, IGNORE}


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 64)])
def test_textures_of_any_size(size: tuple[int, int]) -> None:
    for seed in range(10):
        assert texture(size, np.random.default_rng(seed)).shape == (*size, 3)


def test_views_depend_on_their_number_alone(ccp_tree: Path) -> None:
    recipe = CompositionRecipe(groups=0.4, parts=0.3, textures=0.3)
    data = LiveData(ccp_tree, size=SIZE, composition=recipe, seed=7)
    samples = data.samples("train")
    first, second = data.items(samples, 8), data.items(samples, 8)
    for number in (3, 0, 7):
        assert all(map(np.array_equal, first[number], second[number]))
