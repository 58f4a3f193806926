"""The last answer: handed over where it was sure, no click says otherwise, and none of its clicks is gone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.labels import IGNORE
from ihp_backend.parsing.last_answer import LONGER_SIDE, REACH, LastAnswer, SoFar, withheld
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.parsing.scene import Parse
from ihp_backend.parsing.windows import View

clicks = st.lists(
    st.builds(Click, st.integers(-5, 45), st.integers(-5, 35), st.integers(0, 3), st.booleans()), max_size=6
)


def slowly(label_map: NDArray[np.uint8], made: list[Click], reach: float) -> NDArray[np.uint8]:
    """``withheld``, pixel by pixel."""
    result = label_map.copy()
    height, width = label_map.shape
    for click in made:
        if not (0 <= click.x < width and 0 <= click.y < height):
            continue
        said = label_map[click.y, click.x]
        contradicted = said != IGNORE and (said != click.label if click.positive else said == click.label)
        for y in range(height):
            for x in range(width):
                near = (y - click.y) ** 2 + (x - click.x) ** 2 <= reach**2
                if contradicted and near and label_map[y, x] == said:
                    result[y, x] = IGNORE
    return result


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), clicks, st.sampled_from([0, 3.5, 10, 80]))
def test_withheld_is_what_slow_looking_says(seed: int, made: list[Click], reach: float) -> None:
    label_map = np.random.default_rng(seed).choice([0, 1, 2, 3, IGNORE], (30, 40)).astype(np.uint8)
    before = label_map.copy()
    np.testing.assert_array_equal(withheld(label_map, made, reach), slowly(label_map, made, reach))
    np.testing.assert_array_equal(label_map, before)


def parse_of(height: int, width: int, sure: float = 1.0) -> Parse:
    label_map = np.zeros((height, width), np.uint8)
    label_map[: height // 2] = 1
    cells = np.full((height // 4, width // 4), sure, np.float32)
    return Parse(label_map, np.ones(2, np.float32), cells, (0.25, 0.25))


@pytest.mark.parametrize(("sure", "kept"), [(0.95, True), (0.5, False)])
def test_only_what_was_sure_is_kept(sure: float, kept: bool) -> None:
    last = LastAnswer.of(parse_of(40, 60, sure), [])
    assert (set(np.unique(last.label_map)) == {0, 1}) is kept
    assert (last.label_map == IGNORE).all() is np.bool_(not kept)


def test_a_large_answer_is_kept_small_and_its_views_are_right() -> None:
    last = LastAnswer.of(parse_of(4000, 3000), [])
    assert last.label_map.shape == (LONGER_SIDE, 768)
    window = View(Rectangle(1800, 1000, 2200, 1400), 0.5, None)
    shown = last.in_view(window, [])
    assert shown.shape == (200, 200)
    assert (shown[:98] == 1).all()
    assert (shown[102:] == 0).all()


def test_it_stands_while_clicks_are_only_added() -> None:
    first, second = Click(1, 2, 1), Click(3, 4, 0, positive=False)
    last = LastAnswer.of(parse_of(40, 40), [first])
    assert last.stands([first, second])
    assert not last.stands([second])
    assert not last.stands([Click(1, 3, 1)])


def test_it_survives_its_bytes() -> None:
    last = LastAnswer.of(parse_of(40, 60, 0.9), [Click(1, 2, 1), Click(3, 4, 0, positive=False)])
    back = LastAnswer.from_bytes(last.to_bytes())
    assert back is not None
    np.testing.assert_array_equal(back.label_map, last.label_map)
    assert (back.height, back.width, back.clicks) == (last.height, last.width, last.clicks)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"[1]\nxyz", b'{"kept": [2, 2], "size": [2, 2], "clicks": []}\nxyz'])
def test_what_cannot_be_read_is_none(content: bytes) -> None:
    assert LastAnswer.from_bytes(content) is None


@pytest.mark.parametrize("size", [[30, float("inf")], [30, float("nan")], [0, 40], [30, -1], [30]])
def test_of_a_size_that_is_none_nothing_is_read(size: list[float]) -> None:
    head, _, pixels = LastAnswer.of(parse_of(30, 40, 0.9), []).to_bytes().partition(b"\n")
    assert LastAnswer.from_bytes(head + b"\n" + pixels) is not None
    assert LastAnswer.from_bytes(json.dumps({**json.loads(head), "size": size}).encode() + b"\n" + pixels) is None


def test_what_is_drawn_comes_first() -> None:
    drawn = np.full((40, 60), IGNORE, np.uint8)
    drawn[:10] = 7
    so_far = SoFar(drawn, LastAnswer.of(parse_of(40, 60), []), [Click(30, 35, 5)])
    shown = so_far.in_view(View(Rectangle(0, 0, 40, 60), 1.0, None), 16)
    assert shown is not None
    assert shown.shape == (48, 64)
    assert (shown[:10, :60] == 7).all()
    assert (shown[10:20, :60] == 1).all()
    assert (shown[20:] == IGNORE).all()  # Contradicted all around the click, padding below.
    assert REACH > 40
    assert SoFar().in_view(View(Rectangle(0, 0, 40, 60), 1.0, None), 16) is None
