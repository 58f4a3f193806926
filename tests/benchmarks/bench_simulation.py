"""Simulated annotators: the package beside scipy label by label, as one would first write it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ihp_backend.clicks import central_clicks, correction_click, near_edge_clicks, random_clicks
from tests.benchmarks.bench_brush_rle import person_like
from tests.benchmarks.timing import Row, timed, timed_in_turn
from tests.clicks.references import Interpolation, central_choices, correction_choices

SIDE, EXTRA = 473, 45
PLANTED = 27
"""Labels given to the maker of the map, of which 20 come to be seen."""


def measure() -> list[Row]:
    """The clicks of one training sample or protocol round at the size the paper works at."""
    parsing = person_like(SIDE, SIDE, PLANTED)
    predicted = np.roll(parsing, (20, 20), (0, 1))
    wrong = parsing != predicted

    def initial() -> list[Interpolation]:
        return central_choices(parsing, np.random.default_rng(0))

    def correction() -> Interpolation:
        return correction_choices(wrong, parsing, np.random.default_rng(0), 1)[0]

    clicks, choices = central_clicks(parsing, np.random.default_rng(0)), initial()
    assert all(map(lambda click, choice: choice.allows(click.x, click.y), clicks, choices)), "both ways must agree"
    click = correction_click(parsing, predicted, np.random.default_rng(0))
    assert click is not None, "something is wrong, so something is corrected"
    assert correction().allows(click.x, click.y), "both ways must agree"

    fast, slow = timed_in_turn(
        {
            "central_clicks": lambda: central_clicks(parsing, np.random.default_rng(0)),
            "same on parts, scipy": initial,
        },
        repeats=9,
    )
    fast_correction, slow_correction = timed_in_turn(
        {
            "correction_click": lambda: correction_click(parsing, predicted, np.random.default_rng(0)),
            "same, scipy": correction,
        },
        repeats=9,
    )
    rng = np.random.default_rng(0)
    size = f"{SIDE} x {SIDE}, {len(np.unique(parsing))} labels"
    return [
        replace(fast.against(slow), note=f"{size}, {len(clicks)} clicks"),
        slow,
        replace(fast_correction.against(slow_correction), note=f"{wrong.mean():.0%} of the pixels wrong"),
        slow_correction,
        timed("random_clicks", lambda: random_clicks(parsing, rng, EXTRA), note=f"{EXTRA} clicks"),
        timed("near_edge_clicks", lambda: near_edge_clicks(parsing, rng, EXTRA), note=f"{EXTRA} clicks"),
    ]
