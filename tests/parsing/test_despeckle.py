from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from ihp_backend.clicks import Click
from ihp_backend.parsing import despeckle as despeckle_module
from ihp_backend.parsing.despeckle import SHARE, despeckle

EIGHT = np.ones((3, 3), int)


def pieces(label_map: np.ndarray) -> list[np.ndarray]:
    """Every 8-connected piece as a mask, found label by label."""
    found = []
    for label in np.unique(label_map):
        numbers, count = ndimage.label(label_map == label, structure=EIGHT)
        found += [numbers == number for number in range(1, count + 1)]
    return found


def slowly(label_map: np.ndarray, clicks: list[Click], drawn: np.ndarray, few: int) -> np.ndarray:
    """What ``despeckle`` does, pixel by pixel."""
    height, width = label_map.shape
    specks = []
    for piece in pieces(label_map):
        clicked = any(piece[click.y, click.x] for click in clicks)
        by_hand = (drawn[piece] == label_map[piece]).any()
        if piece.sum() <= few and not clicked and not by_hand:
            specks.append(piece)
    result = label_map.copy()
    while specks:
        waiting = np.any(specks, axis=0)
        settled, left = [], []
        for piece in specks:
            votes = [0] * 256
            for row, column in zip(*np.nonzero(piece), strict=True):
                for y, x in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                    if 0 <= y < height and 0 <= x < width and not waiting[y, x] and drawn[y, x] == 255:
                        votes[result[y, x]] += 1
            if any(votes):
                settled.append((piece, votes.index(max(votes))))
            else:
                left.append(piece)
        if not settled:
            break
        for piece, label in settled:
            result[piece] = label
        specks = left
    return result


SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(data=st.data(), size=SIZES, few=st.integers(1, 8))
def test_as_a_slow_reference(data: st.DataObject, size: tuple[int, int], few: int) -> None:
    label_map = data.draw(arrays(np.uint8, size, elements=st.integers(0, 3)))
    drawn = data.draw(arrays(np.uint8, size, elements=st.sampled_from([255] * 9 + [0, 1, 2]), fill=st.just(255)))
    places = st.tuples(st.integers(0, size[1] - 1), st.integers(0, size[0] - 1), st.integers(0, 3), st.booleans())
    clicks = [Click(*place) for place in data.draw(st.lists(places, max_size=3))]
    expected = slowly(label_map, clicks, drawn, few)
    cleaned = label_map.copy()
    despeckle(cleaned, clicks, drawn, few=few)
    np.testing.assert_array_equal(cleaned, expected)


@given(data=st.data(), size=SIZES, few=st.integers(1, 8))
def test_no_speck_is_left_but_those_clicked(data: st.DataObject, size: tuple[int, int], few: int) -> None:
    label_map = data.draw(arrays(np.uint8, size, elements=st.integers(0, 3)))
    click = Click(data.draw(st.integers(0, size[1] - 1)), data.draw(st.integers(0, size[0] - 1)), 0)
    cleaned = label_map.copy()
    despeckle(cleaned, [click], few=few)
    assert cleaned[click.y, click.x] == label_map[click.y, click.x]
    for piece in pieces(label_map):
        if piece.sum() > few:
            assert (cleaned[piece] == label_map[piece]).all()
    for piece in pieces(cleaned):
        assert piece.sum() > few or piece[click.y, click.x]


def coat_with(small: int, pixels: int = 3) -> np.ndarray:
    """An 800 x 600 photograph, all coat (1) below its middle, with one line of ``small`` in it."""
    label_map = np.zeros((600, 800), np.uint8)
    label_map[300:] = 1
    label_map[400, 200 : 200 + pixels] = small
    return label_map


@pytest.mark.parametrize(
    ("small", "click"),
    [
        (2, Click(201, 400, 2)),
        (0, Click(201, 400, 1, positive=False)),
        (0, Click(201, 400, 0)),
    ],
)
def test_a_click_keeps_a_speck_and_a_hole(small: int, click: Click) -> None:
    label_map, elsewhere = coat_with(small), coat_with(small)
    despeckle(label_map, [click])
    np.testing.assert_array_equal(label_map, coat_with(small))
    despeckle(elsewhere, [Click(500, 500, 1)])
    np.testing.assert_array_equal(elsewhere, coat_with(1))


@pytest.mark.parametrize("pixels", [600 * 800 // SHARE, 600 * 800 // SHARE + 1])
def test_a_speck_is_small_beside_the_photograph(pixels: int) -> None:
    label_map = coat_with(2, pixels)
    despeckle(label_map)
    assert (label_map == 2).any() == (pixels > 24)


def test_specks_within_specks_and_at_the_border() -> None:
    label_map = np.ones((40, 40), np.uint8)
    label_map[10:13, 10:13] = 2
    label_map[11, 11] = 3
    label_map[0, :3] = 0
    label_map[30:, :] = 0
    despeckle(label_map, few=9)
    assert set(np.unique(label_map[:30])) == {1}
    assert (label_map[30:] == 0).all()


def test_what_is_drawn_by_hand_neither_gives_way_nor_grows() -> None:
    drawn = np.full((600, 800), 255, np.uint8)
    drawn[350:450, 100:300] = 1
    drawn[400, 200:203] = 255
    hole = coat_with(0)
    despeckle(hole, drawn=drawn)
    np.testing.assert_array_equal(hole, coat_with(0))
    badge = coat_with(2)
    despeckle(badge, drawn=np.where(badge == 2, badge, 255).astype(np.uint8))
    np.testing.assert_array_equal(badge, coat_with(2))


def test_thin_slanted_lines_stay() -> None:
    strap = np.ones((200, 200), np.uint8)
    np.fill_diagonal(strap, 2)
    kept = strap.copy()
    despeckle(kept, few=10)
    np.testing.assert_array_equal(kept, strap)


def test_a_part_of_a_larger_map_is_changed_in_place() -> None:
    whole = np.ones((12, 12), np.uint8)
    view = whole[::2, 1:8]
    view[3, 3] = 7
    despeckle(view, few=1)
    assert (whole == 1).all()


def test_noise_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(despeckle_module, "MOST_RUNS", 50)
    noise = np.indices((12, 12)).sum(0).astype(np.uint8) % 2
    noise[6] = [1, 0] * 6
    before = noise.copy()
    despeckle(noise, few=2)
    np.testing.assert_array_equal(noise, before)
