"""Localization maps against the definition, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click, add_click, localization_maps


def slow_maps(clicks: list[Click], height: int, width: int, num_labels: int) -> NDArray[np.uint8]:
    """Eq. 1 as written: the distance to every click at every pixel."""
    maps = np.full((num_labels, height, width), 255, np.uint8)
    for label in range(num_labels):
        for y in range(height):
            for x in range(width):
                for click in clicks:
                    if click.label == label and click.positive:
                        squared = (click.x - x) ** 2 + (click.y - y) ** 2
                        maps[label, y, x] = min(maps[label, y, x], squared, 255)
    return maps


@st.composite
def scenes(draw: st.DrawFn) -> tuple[list[Click], int, int, int]:
    height, width, num_labels = draw(st.integers(1, 40)), draw(st.integers(1, 40)), draw(st.integers(1, 4))
    click = st.builds(
        Click, st.integers(0, width - 1), st.integers(0, height - 1), st.integers(0, num_labels - 1), st.booleans()
    )
    return draw(st.lists(click, max_size=6)), height, width, num_labels


@settings(deadline=None)
@given(scenes())
def test_equal_to_the_definition(scene: tuple[list[Click], int, int, int]) -> None:
    np.testing.assert_array_equal(localization_maps(*scene), slow_maps(*scene))


@settings(deadline=None)
@given(scenes())
def test_adding_clicks_one_by_one_gives_the_same(scene: tuple[list[Click], int, int, int]) -> None:
    clicks, height, width, num_labels = scene
    maps = localization_maps([], height, width, num_labels)
    for click in clicks:
        add_click(maps, click)
    np.testing.assert_array_equal(maps, localization_maps(clicks, height, width, num_labels))


def test_the_papers_values() -> None:
    maps = localization_maps([Click(50, 40, 1)], 100, 120, 3)
    assert maps[1, 40, 50] == 0
    assert maps[1, 40, 53] == 9
    assert maps[1, 40, 65] == 225
    assert maps[1, 40, 66] == 255
    assert (maps[0] == 255).all()
    assert (maps[2] == 255).all()


def test_reuses_the_given_memory() -> None:
    out = np.zeros((2, 30, 30), np.uint8)
    assert localization_maps([Click(3, 4, 0)], 30, 30, 2, out=out) is out
    np.testing.assert_array_equal(out, localization_maps([Click(3, 4, 0)], 30, 30, 2))
    with pytest.raises(ValueError, match="out: "):
        localization_maps([], 31, 30, 2, out=out)


@pytest.mark.parametrize(
    ("click", "message"),
    [
        (Click(30, 0, 0), r"\(30, 0\) lies outside"),
        (Click(0, -1, 0), r"\(0, -1\) lies outside"),
        (Click(0, 0, 2), "label id 2 does not exist"),
        (Click(0, 0, -1, positive=False), "label id -1 does not exist"),
    ],
)
def test_refuses_clicks_that_cannot_be(click: Click, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        localization_maps([click], 20, 30, 2)
