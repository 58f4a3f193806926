"""Cells mixed into pixels: only outlines are mixed, and the clicks have the last word."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.clicks import Click
from ihp_backend.parsing.convex_upsampling import ConvexAnswer
from ihp_backend.parsing.enlarging import PHASES, enlarged


def some_answer(seed: int, rows: int = 3, h: int = 6, w: int = 5, smooth: bool = True) -> ConvexAnswer:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, h, w))
    if smooth:  # Patches of one label, so that there is something besides outlines.
        logits[:, : h // 2] += np.eye(rows)[0][:, None, None] * 6
    shares = rng.dirichlet(np.full(9, 0.3), (h, w, 16))
    return ConvexAnswer(logits.astype(np.float32), np.arange(rows, dtype=np.uint8), shares.astype(np.float32))


def mixed_everywhere(answer: ConvexAnswer) -> NDArray[np.float64]:
    """Every row's value in every pixel, by loops."""
    rows, h, w = answer.logits.shape
    pixels = np.zeros((rows, 4 * h, 4 * w))
    for y in range(4 * h):
        for x in range(4 * w):
            for neighbour in range(9):
                row = min(max(y // 4 + neighbour // 3 - 1, 0), h - 1)
                column = min(max(x // 4 + neighbour % 3 - 1, 0), w - 1)
                share = answer.shares[y // 4, x // 4, y % 4 * 4 + x % 4, neighbour]
                pixels[:, y, x] += share * answer.logits[:, row, column]
    return pixels


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_equal_to_mixing_every_pixel(seed: int, smooth: bool) -> None:
    answer = some_answer(seed, smooth=smooth)
    pixels, label_map = mixed_everywhere(answer), answer.working_map()
    chosen = np.take_along_axis(pixels, label_map[None].astype(np.intp), 0)[0]
    # Rounding may decide a tie either way; the chosen label's logit is the largest all the same.
    np.testing.assert_allclose(chosen, pixels.max(0), atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_clicks_in_cells_of_their_own_are_followed(seed: int, count: int) -> None:
    answer, rng = some_answer(seed, h=12, w=12), np.random.default_rng(seed)
    cells = rng.permutation(16)[:count]
    clicks = [
        Click(int(cell % 4 * 12 + rng.integers(12)), int(cell // 4 * 12 + rng.integers(12)), int(rng.integers(3)))
        for cell in cells
    ]
    clicks.append(Click(clicks[0].x, clicks[0].y, (clicks[0].label + 1) % 3, positive=False))
    label_map = answer.enforce_clicks(clicks).working_map()
    assert [label_map[click.y, click.x] for click in clicks[:-1]] == [click.label for click in clicks[:-1]]


def test_a_negative_click_loses_its_label_there() -> None:
    answer = some_answer(0)
    before = answer.working_map()
    after = answer.enforce_clicks([Click(8, 6, int(before[6, 8]), positive=False)]).working_map()
    assert after[6, 8] != before[6, 8]


def test_what_is_followed_already_changes_nothing() -> None:
    answer = some_answer(0)
    label = int(answer.working_map()[3, 9])
    after = answer.enforce_clicks(
        [Click(9, 3, label), Click(9, 3, (label + 1) % 3, positive=False), Click(1, 1, 77, False)]
    )
    np.testing.assert_array_equal(after.logits, answer.logits)


def test_contradicting_clicks_end() -> None:
    some_answer(0).enforce_clicks([Click(5, 5, 1), Click(5, 5, 2), Click(5, 5, 2, positive=False)])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.integers(1, 40))
@example(0, 1, 9, 1, 33)  # A share of the next pixel that is rounded up to 1.
def test_enlarging_takes_the_label_with_most_votes(seed: int, rows: int, columns: int, height: int, width: int) -> None:
    label_map = np.random.default_rng(seed).integers(0, 4, (rows, columns), dtype=np.uint8)
    found = enlarged(label_map, height, width)
    assert found.shape == (height, width)
    for y in range(height):
        for x in range(width):
            votes = np.zeros(4)
            down = min(max((y + 0.5) * rows / height - 0.5, 0), rows - 1)
            across = min(max((x + 0.5) * columns / width - 0.5, 0), columns - 1)
            for row in {int(down), min(int(down) + 1, rows - 1)}:
                for column in {int(across), min(int(across) + 1, columns - 1)}:
                    votes[label_map[row, column]] += (1 - abs(down - row)) * (1 - abs(across - column))
            assert votes[found[y, x]] >= votes.max() - 2 / PHASES
