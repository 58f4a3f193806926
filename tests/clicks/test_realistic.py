"""Annotators who miss: how far, how often, and that they miss nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.clicks import Click, jittered, off_centre_clicks, with_wrong_label
from tests.clicks.references import background_pixels, central_choices, depth
from tests.clicks.scenes import SEEDS, blobs, disc

HEIGHT, WIDTH, LABELS = 7, 11, 4
CLICKS = st.lists(
    st.builds(Click, st.integers(0, WIDTH - 1), st.integers(0, HEIGHT - 1), st.integers(0, LABELS - 1), st.booleans()),
    max_size=8,
)


@settings(deadline=None)
@given(CLICKS, SEEDS, st.integers(0, 12))
def test_jitter_stays_within_its_radius_and_the_image(clicks: list[Click], seed: int, radius: int) -> None:
    landed = jittered(clicks, np.random.default_rng(seed), radius, HEIGHT, WIDTH)
    for click, where in zip(clicks, landed, strict=True):
        assert math.hypot(where.x - click.x, where.y - click.y) <= radius
        assert 0 <= where.x < WIDTH
        assert 0 <= where.y < HEIGHT
        assert (where.label, where.positive) == (click.label, click.positive)


def test_jitter_reaches_every_pixel_of_its_disc_alike() -> None:
    landed = jittered([Click(5, 5, 1)] * 13_000, np.random.default_rng(0), 2, 11, 11)
    pixels, counts = np.unique([(click.x, click.y) for click in landed], axis=0, return_counts=True)
    assert {(int(x) - 5, int(y) - 5) for x, y in pixels} == {
        (x, y) for x in range(-2, 3) for y in range(-2, 3) if math.hypot(x, y) <= 2
    }
    # Each 1,000 on average with a standard deviation of 30.
    assert (np.abs(counts - 1000) < 150).all()


def test_a_negative_radius_is_refused() -> None:
    with pytest.raises(ValueError, match="radius: -1 given"):
        jittered([], np.random.default_rng(0), -1, 5, 5)


@settings(deadline=None)
@given(CLICKS, SEEDS, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_errs_where_a_smaller_one_does(
    clicks: list[Click], seed: int, one_share: float, other_share: float
) -> None:
    few, many = (
        with_wrong_label(clicks, np.random.default_rng(seed), share, LABELS)
        for share in sorted((one_share, other_share))
    )
    for true, rarely, often in zip(clicks, few, many, strict=True):
        assert (true.x, true.y, true.positive) == (often.x, often.y, often.positive)
        assert 0 <= often.label < LABELS
        assert rarely in (true, often)


@settings(deadline=None)
@given(CLICKS, SEEDS)
def test_no_share_errs_never_and_a_full_one_always(clicks: list[Click], seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert with_wrong_label(clicks, rng, 0, LABELS) == clicks
    wrong = with_wrong_label(clicks, rng, 1, LABELS)
    assert all(true.label != false.label for true, false in zip(clicks, wrong, strict=True))


def test_wrong_labels_come_at_their_share_and_alike() -> None:
    labels = [click.label for click in with_wrong_label([Click(0, 0, 1)] * 9000, np.random.default_rng(0), 1 / 3, 4)]
    counted = np.bincount(labels, minlength=4)
    # 6,000 right, 1,000 of each other label on average; standard deviations 45 and 30.
    assert counted[1] == pytest.approx(6000, abs=220)
    assert counted[[0, 2, 3]] == pytest.approx(1000, abs=150)


@pytest.mark.parametrize(
    ("share", "num_labels", "message"),
    [(-0.1, 4, "share: -0.1 given"), (1.5, 4, "share: 1.5 given"), (0.5, 1, "num_labels: 1 given; at least 2")],
)
def test_what_cannot_be_is_refused(share: float, num_labels: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        with_wrong_label([], np.random.default_rng(0), share, num_labels)


@pytest.mark.parametrize("seed", range(4))
def test_off_centre_clicks_are_true_and_one_per_component(seed: int) -> None:
    parsing = blobs(seed, height=90, width=70, ignored=True)
    clicks = off_centre_clicks(parsing, np.random.default_rng(seed), minimum_area=30)
    choices = central_choices(parsing, np.random.default_rng(seed), candidates=1, minimum_area=30)
    assert [(click.x, click.y, click.label) for click in clicks[:-1]] == [
        (*choice.best(), choice.label) for choice in choices
    ]
    assert clicks[-1].label == parsing[clicks[-1].y, clicks[-1].x] == 0


def test_off_centre_clicks_fall_anywhere() -> None:
    """In a disc of radius R they lie R / 3 deep on average; on the background they also fall beside the part."""
    parsing = disc(30)
    clicks = [off_centre_clicks(parsing, np.random.default_rng(seed)) for seed in range(400)]
    depths = depth(parsing == 1)
    assert np.mean([depths[part.y, part.x] for part, _ in clicks]) == pytest.approx(10, abs=1.5)
    far = background_pixels(parsing, 10)
    share = np.mean([(background.x, background.y) in far for _, background in clicks])
    assert share == pytest.approx(len(far) / (parsing == 0).sum(), abs=0.1)
