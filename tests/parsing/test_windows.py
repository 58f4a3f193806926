"""Windows: where people are small the answer is as good as on a crop; where nothing is gained none is opened."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing import windows
from ihp_backend.parsing.joined_views import RAMP, Extents
from ihp_backend.parsing.parser import Parser
from ihp_backend.parsing.people import people
from ihp_backend.parsing.rectangle import Rectangle
from ihp_backend.parsing.scene import Scene
from ihp_backend.parsing.windows import MOST_WINDOWS, View, Windows
from tests.parsing.toy_engine import BAG, COAT, HAIR, ToyEngine, person, toy_parser


def crowd(
    places: Sequence[tuple[int, int]], height: int, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    image, truth = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    for top, left in places:
        person(image, truth, top, left, height)
    return image, truth


def boxes(scene: Scene, clicks: Sequence[Click] = (), *, known: bool = True) -> list[Rectangle]:
    assert scene.windows is not None
    return scene.windows.boxes((click, known) for click in clicks)


def wrong(parser: Parser, scene: Scene, clicks: Sequence[Click], truth: NDArray[np.uint8]) -> float:
    return float((parser.parse(scene, clicks).label_map != truth).mean())


def overlap(found: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((found & wanted).sum() / (found | wanted).sum())


def test_somebody_small_is_parsed_as_finely_as_in_a_crop() -> None:
    parser, _ = toy_parser()
    image, truth = crowd([(701, 403)], 300, (2000, 1500))
    clicks = [Click(450, 720, 1), Click(450, 950, 2), Click(5, 5, 0)]
    scene = parser.open(image)
    assert wrong(parser, replace(scene, windows=None), clicks, truth) > 3 * wrong(parser, scene, clicks, truth)
    assert wrong(parser, scene, clicks, truth) < 6e-4


def test_a_click_on_one_person_helps_the_others() -> None:
    parser, engine = toy_parser()
    image, truth = crowd([(100, 100), (150, 800), (1200, 400)], 300, (1600, 1200))
    scene = parser.open(image)
    label_map = parser.parse(scene, [Click(150, 120, 1), Click(850, 400, 2)]).label_map
    for label in (1, 2):
        assert overlap(label_map == label, truth == label) > 0.9
    assert len(engine.encoded) == 4  # the overview and three people


def test_nothing_changes_for_a_person_crop() -> None:
    parser, engine = toy_parser()
    image, _ = crowd([(20, 30)], 470, (512, 300))
    scene = parser.open(image)
    clicks = [Click(100, 60, 1), Click(100, 400, 2)]
    found, alone = parser.parse(scene, clicks), parser.parse(replace(scene, windows=None), clicks)
    np.testing.assert_array_equal(found.label_map, alone.label_map)
    np.testing.assert_array_equal(found.confidence, alone.confidence)
    assert len(engine.encoded) == 1


@pytest.mark.parametrize("click", [Click(1400, 1900, 0), Click(1400, 1900, 1), Click(1400, 1900, 1, positive=False)])
def test_a_click_far_from_everybody_costs_no_window(click: Click) -> None:
    parser, engine = toy_parser()
    scene = parser.open(crowd([(701, 403)], 300, (2000, 1500))[0])
    parser.parse(scene, [])
    before = list(engine.encoded)
    parser.parse(scene, [click])
    assert engine.encoded == before


def test_a_click_on_what_no_model_knows_gets_a_window() -> None:
    parser, _ = toy_parser()
    scene = parser.open(np.zeros((2000, 1500, 3), np.uint8))
    assert boxes(scene) == []
    (box,) = boxes(scene, [Click(700, 900, 1)], known=False)
    assert box.contains(900, 700)
    assert boxes(scene, [Click(700, 900, 0)], known=False) == []


def test_a_click_on_somebody_hardly_seen_gets_a_window() -> None:
    """The overview believes less than half, and the annotator knows better."""
    image = np.zeros((2048, 1536, 3), np.uint8)
    overview = ToyEngine().encode(image[::4, ::4])
    overview.background[40:60, 30:40] = 0.8
    found = Windows(image, 0.25, overview, (), lambda image: overview, 512, 16)
    assert list(found.hinted) == []
    (box,) = found.boxes([(Click(35 * 16, 50 * 16, 1), True)])
    assert box.top < 40 * 16 < 60 * 16 < box.bottom
    assert box.left < 30 * 16 < 40 * 16 < box.right


def test_many_who_are_one_blot_in_the_overview_are_found_in_its_window() -> None:
    """Twelve people so small that they touch in the overview: their window shows them apart, at its finer scale."""
    parser, engine = toy_parser()
    places = [(3000 + 190 * row, 2000 + 130 * column) for row in range(3) for column in range(4)]
    image, truth = crowd(places, 180, (8000, 6000))
    scene = parser.open(image)
    windows = boxes(scene)
    assert all(sum(box.contains(top + 90, left + 45) for box in windows) >= 1 for top, left in places)
    assert min(180 / max(box.sides) for box in windows) > 0.25
    clicks = [Click(2045, 3030, 1), Click(2045, 3120, 2)]
    label_map = parser.parse(scene, clicks).label_map
    for label in (1, 2):
        assert overlap(label_map == label, truth == label) > 0.8
    assert len(engine.encoded) < 16


def test_people_who_touch_are_told_apart_at_the_neck() -> None:
    background = np.ones((60, 80), np.float32)
    background[5:50, 5:25] = background[5:50, 30:50] = 0
    background[20:23, 25:30] = 0  # A hand on a shoulder.
    found = sorted(people(background, np.zeros(background.shape, bool)), key=lambda box: box.left)
    assert found == [Rectangle(5, 5, 50, 28), Rectangle(5, 28, 50, 50)]


def test_people_who_stand_close_are_told_apart_by_their_heads() -> None:
    """Three people shoulder to shoulder, in one component without a neck."""
    background, head = np.ones((60, 80), np.float32), np.zeros((60, 80), bool)
    background[20:50, 5:65] = 0
    for left in (5, 25, 45):
        background[10:20, left + 6 : left + 14] = 0
        head[12:18, left + 7 : left + 13] = True
    found = people(background, head)
    assert sorted((box.left, box.right) for box in found) == [(5, 25), (25, 45), (45, 65)]
    # A head in two pieces, by a hand before it, is one person's.
    head[:] = False
    head[12:18, 11:14] = head[12:18, 15:18] = True
    assert people(background, head) == [Rectangle(10, 5, 50, 65)]


def test_windows_are_encoded_once_whoever_asks() -> None:
    parser, engine = toy_parser()
    scene = parser.open(crowd([(100, 100), (1200, 400)], 300, (1600, 1200))[0])
    together = threading.Barrier(4)

    def ask(_: int) -> NDArray[np.uint8]:
        together.wait()
        return parser.parse(scene, [Click(150, 120, 1)]).label_map

    with ThreadPoolExecutor(4) as threads:
        first, *others = threads.map(ask, range(4))
    assert all(np.array_equal(first, other) for other in others)
    assert len(engine.encoded) == 3


def test_windows_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MOST_BYTES", 4_000_000)
    parser, engine = toy_parser()
    places = [(100, 100), (100, 900), (1200, 100), (1200, 900)]
    scene = parser.open(crowd(places, 300, (1600, 1300))[0])
    for _ in range(2):
        parser.parse(scene, [])
        assert scene.windows is not None
        assert scene.windows.bytes <= 4_000_000 + 1600 * 1300 * 3
    assert len(engine.encoded) > 5  # Those that gave way were encoded again.


def test_a_part_goes_on_beyond_a_windows_edge() -> None:
    """A scarf through the whole photograph, of which the window around somebody shows a piece."""
    parser, _ = toy_parser()
    image, truth = crowd([(701, 403)], 300, (2000, 1500))
    image[780:840], truth[780:840] = BAG, 3
    scene = parser.open(image)
    clicks = [Click(450, 720, 1), Click(450, 950, 2), Click(450, 810, 3), Click(5, 5, 0)]
    label_map = parser.parse(scene, clicks).label_map
    assert (label_map[795:825] == 3).all()
    assert overlap(label_map == 3, truth == 3) > 0.75


def test_a_click_between_two_people_opens_no_third_window() -> None:
    parser, engine = toy_parser()
    image, truth = crowd([(700, 200), (700, 600)], 300, (2000, 1500))
    scene = parser.open(image)
    clicks = [Click(250, 720, 1), Click(250, 950, 2), Click(475, 850, 2)]
    label_map = parser.parse(scene, clicks).label_map
    assert len(engine.encoded) == 1 + len(parser.windows(scene, [])) <= 3
    assert label_map[850, 475] == 2
    assert overlap(label_map == 1, truth == 1) > 0.9


def test_nobody_in_a_photograph_is_background() -> None:
    parser, engine = toy_parser()
    scene = parser.open(np.full((3000, 4000, 3), 90, np.uint8))
    parse = parser.parse(scene, [])
    assert (parse.label_map == 0).all()
    assert parser.windows(scene, []) == []
    assert len(engine.encoded) == 1


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (17, 3000)])
def test_slender_photographs(size: tuple[int, int]) -> None:
    parser, _ = toy_parser()
    image = np.zeros((*size, 3), np.uint8)
    image[: size[0] // 2 + 1, : size[1] // 2 + 1] = HAIR
    scene = parser.open(image)
    for clicks in ([], [Click(0, 0, 1)], [Click(size[1] - 1, size[0] - 1, 3)]):
        label_map = parser.parse(scene, clicks).label_map
        assert label_map.shape == size
        assert all(label_map[click.y, click.x] == click.label for click in clicks)


def test_two_hundred_people_get_no_more_windows_than_there_may_be() -> None:
    parser, engine = toy_parser()
    places = [(20 + 200 * row, 20 + 150 * column) for row in range(10) for column in range(20)]
    image, truth = crowd(places, 120, (2100, 3100))
    scene = parser.open(image)
    label_map = parser.parse(scene, [Click(40, 30, 1), Click(40, 120, 2)]).label_map
    assert len(engine.encoded) <= 1 + 2 * MOST_WINDOWS
    for label in (1, 2):
        assert overlap(label_map == label, truth == label) > 0.6


def test_a_hundred_megapixels_are_kept_reduced() -> None:
    parser, _ = toy_parser()
    image = np.zeros((5_000, 20_000, 3), np.uint8)
    image[2000:2800, 9000:9400] = COAT
    scene = parser.open(image)
    (box,) = boxes(scene)
    assert box.contains(2400, 9200)
    label_map = parser.parse(scene, [Click(9200, 2400, 2)]).label_map
    assert (label_map == 2).sum() == pytest.approx(800 * 400, rel=0.03)
    assert scene.windows is not None
    assert scene.windows.bytes < 150_000_000


rectangles = st.builds(
    lambda top, left, height, width: Rectangle(top, left, min(top + height, 60), min(left + width, 80)),
    st.integers(0, 50), st.integers(0, 70), st.integers(5, 60), st.integers(5, 80),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(rectangles, min_size=1, max_size=4, unique=True), st.sampled_from([0.5, 1.0, 2.0]))
def test_each_pixel_belongs_to_the_finest_window_that_sees_it_well_inside(found: list[Rectangle], scale: float) -> None:
    scales = [scale * (1 + number % 2) for number in range(len(found))]
    views = [View(box, its, None) for box, its in zip(found, scales, strict=True)]
    extents = Extents(views, (60, 80))
    owned = [
        extents.owned(
            number,
            np.arange(box.top, box.bottom, dtype=np.float32)[:, None] + np.float32(0.5),
            np.arange(box.left, box.right, dtype=np.float32) + np.float32(0.5),
        )
        for number, box in enumerate(found)
    ]
    clicks, homes = [], []
    for y, x in np.random.default_rng(0).integers((60, 80), size=(40, 2)).tolist():
        depths = [slow_depth(box, y, x) * its for box, its in zip(found, scales, strict=True)]
        claims = [(min(depth, RAMP), its * (depth >= RAMP), depth) for depth, its in zip(depths, scales, strict=True)]
        best = max(range(len(found)), key=lambda number: (claims[number], -number))
        home = best if depths[best] > 0 else None
        homes.append(home)
        clicks.append(Click(x, y, 0))
        has = [n for n, box in enumerate(found) if box.contains(y, x) and owned[n][y - box.top, x - box.left]]
        assert has == ([] if home is None else [home])
    assert extents.homes(clicks) == homes
    assert extents.homes([]) == []


def slow_depth(box: Rectangle, y: int, x: int) -> float:
    """How far inside a pixel's middle is; the photograph of 60 x 80 pixels has no edges of windows."""
    sides = []
    if box.top > 0:
        sides.append(y + 0.5 - box.top)
    if box.left > 0:
        sides.append(x + 0.5 - box.left)
    if box.bottom < 60:
        sides.append(box.bottom - y - 0.5)
    if box.right < 80:
        sides.append(box.right - x - 0.5)
    return min(sides, default=float("inf"))
