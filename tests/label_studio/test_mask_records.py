from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.mask_records import mask_records, record_mask

CAPTURES = Path(__file__).parent.parent / "captures"
SIZE = {"original_height": 40, "original_width": 80}


def brush(**value: Any) -> dict[str, Any]:
    return {"id": "r", "type": "brushlabels", "to_name": "i", **SIZE, "value": {"brushlabels": ["Hat"], **value}}


def touch(points: list[float], width: float, kind: str = "add") -> dict[str, Any]:
    return {"type": kind, "relativePoints": points, "relativeStrokeWidth": width}


def within(points: np.ndarray, radius: float) -> np.ndarray:
    """Pixels whose middle is at most ``radius`` from a straight line between two points, both in pixels (x, y)."""
    y, x = np.mgrid[:40, :80] + 0.5
    start, way = points[0], points[1] - points[0]
    along = np.clip(((x - start[0]) * way[0] + (y - start[1]) * way[1]) / max(way @ way, 1e-9), 0, 1)
    distance: np.ndarray = np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1])
    return distance <= radius


@pytest.mark.parametrize("line", [[10, 50, 70, 50], [20, 20, 60, 80], [50, 50, 50.1, 50]])
def test_a_stroke_is_as_wide_as_drawn(line: list[float]) -> None:
    mask = record_mask(brush(touches=[touch(line, 10)]))  # Percent of the width: 8 pixels.
    points = np.array(line).reshape(2, 2) * [0.8, 0.4]
    assert not (mask & ~within(points, 5)).any()
    assert not (~mask & within(points, 3)).any()


def test_strokes_come_after_the_mask_that_they_change() -> None:
    whole = np.ones((40, 80), bool)
    mask = record_mask(brush(rle=encode(whole), touches=[touch([0, 0, 0, 100], 20, "eraser")]))
    assert not mask[:, :6].any()
    assert mask[:, 12:].all()


def test_a_draft_that_the_page_sent() -> None:
    request = json.loads((CAPTURES / "25_page_draft_with_touches.json").read_text())["request"]
    records = request["tasks"][0]["drafts"][0]["result"]
    ((record, names),) = mask_records(records)
    mask = record_mask(record)
    assert names == ["Face"]
    assert mask.shape == (600, 800)
    x, y = (round(part * side / 100) for part, side in zip((47.884, 17.888), (800, 600), strict=True))
    assert mask[y, x]
    assert 0.001 < mask.mean() < 0.05


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (brush(), "neither rle nor touches"),
        (brush(rle=[1, 2, 3]), "rle"),
        (brush(rle="AAAA"), "rle"),
        (brush(touches=[{}]), "touches"),
        (brush(touches=3), "touches"),
        (brush(touches=[touch([1, 2, 3], 1)]), "touches"),
        (brush(touches=[touch(["a", "b"], 1)]), "touches"),  # type: ignore[list-item]
        (brush(touches=[touch([1, 2], float("nan"))]), "touches"),
        ({**brush(rle=[0]), "original_width": None}, "original_width"),
        ({**brush(rle=[0]), "original_height": 0}, "original_height"),
        ({"type": "brushlabels"}, "original_width"),
    ],
)
def test_masks_that_cannot_be_read(record: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        record_mask(record)
