"""Realistic clicks: annotators who miss the middle, the pixel or the label, for measuring how robust a parser is.

None of this is in the paper, which names clicks at edges and clicks with a wrong label as its method's failures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ihp_backend.clicks.central import central_clicks
from ihp_backend.clicks.click import Click
from ihp_backend.clicks.connected_components import LabelMap


def off_centre_clicks(parsing: LabelMap, rng: np.random.Generator, *, minimum_area: int = 60) -> list[Click]:
    """Initial clicks without an eye for the middle: ``central_clicks``, but anywhere in a component, edges included.

    Args:
        parsing: uint8 (height, width), 255 = ignore.
        rng: source of randomness.
        minimum_area: components smaller than this many pixels get no click.
    """
    return central_clicks(parsing, rng, candidates=1, minimum_area=minimum_area, background_margin=0)


def jittered(clicks: Sequence[Click], rng: np.random.Generator, radius: int, height: int, width: int) -> list[Click]:
    """Clicks of an unsteady hand: each is moved to a pixel at most ``radius`` away, all equally likely.

    Labels and signs stay as they were meant, so a click near an edge may end up saying something untrue, and two
    clicks may land on one pixel.

    Args:
        clicks: in pixels of the image.
        rng: source of randomness.
        radius: largest distance in pixels.
        height, width: size of the image in pixels; a click that would leave it lands on its border.

    Raises:
        ValueError: a negative radius.

    Examples:
        >>> clicks = jittered([Click(0, 0, 1)] * 9, np.random.default_rng(0), radius=2, height=50, width=50)
        >>> max(click.x**2 + click.y**2 for click in clicks) <= 4
        True
    """
    if radius < 0:
        raise ValueError(f"radius: {radius} given; 0 or more pixels needed")
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    offsets = np.argwhere(rows**2 + columns**2 <= radius**2) - radius
    chosen = offsets[rng.integers(len(offsets), size=len(clicks))].tolist()
    return [
        replace(click, x=min(max(click.x + right, 0), width - 1), y=min(max(click.y + down, 0), height - 1))
        for click, (down, right) in zip(clicks, chosen, strict=True)
    ]


def with_wrong_label(clicks: Sequence[Click], rng: np.random.Generator, share: float, num_labels: int) -> list[Click]:
    """Clicks of which some have a wrong label, as of an annotator who now and then has the wrong one selected.

    Args:
        clicks: with labels below ``num_labels``.
        rng: source of randomness. From the same state, a larger ``share`` errs wherever a smaller one does, and alike.
        share: probability of each click to get another label, all others equally likely; 0 to 1.
        num_labels: number of labels, the background's included.

    Raises:
        ValueError: ``share`` is no probability, or there is no other label.

    Examples:
        >>> clicks = with_wrong_label([Click(0, 0, 1)] * 4, np.random.default_rng(0), share=1, num_labels=3)
        >>> any(click.label == 1 for click in clicks)
        False
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share: {share} given; a probability from 0 to 1 needed")
    if num_labels < 2:
        raise ValueError(f"num_labels: {num_labels} given; at least 2 needed for a wrong label")
    wrong = rng.random(len(clicks)) < share
    steps = rng.integers(1, num_labels, size=len(clicks))
    return [
        replace(click, label=(click.label + int(step)) % num_labels) if errs else click
        for click, errs, step in zip(clicks, wrong, steps, strict=True)
    ]
