"""Nearest click and watershed against slow or obvious references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.clicks import Click
from ihp_backend.evaluation import ClickParser, NearestClick, Watershed
from ihp_backend.labels import LabelSet

LABELS = LabelSet(("background", "a", "b", "c"))
clicks_inside = st.lists(st.builds(Click, st.integers(0, 12), st.integers(0, 9), st.integers(0, 3), st.booleans()))


@settings(deadline=None)
@given(clicks_inside)
def test_nearest_click_equals_measuring_every_distance(clicks: list[Click]) -> None:
    parser = NearestClick(LABELS)
    label_map = parser.parse(parser.open(np.zeros((10, 13, 3), np.uint8)), clicks).label_map
    positive = [click for click in clicks if click.positive]
    for y in range(10):
        for x in range(13):
            nearest = min(((c.x - x) ** 2 + (c.y - y) ** 2 for c in positive), default=None)
            # Of those equally near the last one.
            winners = [c.label for c in positive if (c.x - x) ** 2 + (c.y - y) ** 2 == nearest] or [0]
            assert label_map[y, x] == winners[-1]


def test_watershed_floods_what_has_one_colour() -> None:
    parsing = np.zeros((60, 80), np.uint8)
    parsing[10:50, 20:40], parsing[10:50, 40:70] = 1, 2
    image = np.array([[250, 250, 250], [200, 20, 20], [20, 20, 200]], np.uint8)[parsing]
    parser = Watershed(LABELS)
    clicks = [Click(4, 4, 0), Click(30, 30, 1), Click(55, 30, 2)]
    label_map = parser.parse(parser.open(image), clicks).label_map
    wrong = label_map != parsing
    # Only along the edges, where either label may have the pixel between.
    assert wrong.mean() < 0.05
    assert not wrong[15:45, 24:36].any()
    assert not wrong[:5].any()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), clicks_inside)
def test_watershed_obeys_and_covers_everything(seed: int, clicks: list[Click]) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (10, 13, 3), dtype=np.uint8)
    parser = Watershed(LABELS)
    parse = parser.parse(parser.open(image), clicks)
    assert parse.label_map.shape == (10, 13)
    last = {(click.x, click.y): click.label for click in clicks if click.positive}
    for (x, y), label in last.items():
        assert parse.label_map[y, x] == label
    assert set(np.unique(parse.label_map)) <= set(last.values()) | ({0} if not last else set())


@pytest.mark.parametrize("parser", [NearestClick(LABELS), Watershed(LABELS)])
def test_without_clicks_all_is_background(parser: ClickParser) -> None:
    parse = parser.parse(parser.open(np.full((5, 7, 3), 9, np.uint8)), [])
    assert (parse.label_map == 0).all()
    assert parse.confidence.tolist() == [1, 0, 0, 0]
