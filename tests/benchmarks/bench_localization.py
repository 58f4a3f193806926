"""Localization maps: stamps beside a distance transform per label, and beside the definition with numpy."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ihp_backend.clicks import Click, add_click, localization_maps
from tests.benchmarks.timing import Row, timed, timed_in_turn

SIDE, LABELS, CLICKS = 473, 24, 60


def by_distance_transform(clicks: list[Click]) -> NDArray[np.uint8]:
    """One OpenCV distance transform per label."""
    maps = np.full((LABELS, SIDE, SIDE), 255, np.uint8)
    for label in {click.label for click in clicks}:
        elsewhere = np.ones((SIDE, SIDE), np.uint8)
        for click in clicks:
            if click.label == label:
                elsewhere[click.y, click.x] = 0
        distance = cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        maps[label] = np.minimum(np.rint(distance * distance), 255)
    return maps


def by_definition(clicks: list[Click]) -> NDArray[np.uint8]:
    """The squared distance to every click over the whole plane."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    maps = np.full((LABELS, SIDE, SIDE), 255, np.int64)
    for click in clicks:
        np.minimum(maps[click.label], (rows - click.y) ** 2 + (columns - click.x) ** 2, out=maps[click.label])
    return maps.astype(np.uint8)


def measure() -> list[Row]:
    """24 labels at 473 x 473 with 60 clicks, the size the paper works at."""
    rng = np.random.default_rng(0)
    places = rng.integers((SIDE, SIDE, LABELS), size=(CLICKS, 3)).tolist()
    clicks = [Click(x, y, label) for x, y, label in places]
    maps = localization_maps(clicks, SIDE, SIDE, LABELS)
    for other in (by_distance_transform(clicks), by_definition(clicks)):
        assert np.array_equal(maps, other), "the compared ways must agree"
    stamps, transforms, definition = timed_in_turn(
        {
            "localization_maps": lambda: localization_maps(clicks, SIDE, SIDE, LABELS),
            "distance transform per label": lambda: by_distance_transform(clicks),
            "definition with numpy": lambda: by_definition(clicks),
        }
    )
    note = f"{LABELS} labels, {SIDE} x {SIDE}, {CLICKS} clicks"
    one_more = timed("add_click", lambda: add_click(maps, clicks[0]), note="one more click")
    return [replace(stamps.against(transforms), note=note), transforms.against(definition), definition, one_more]
