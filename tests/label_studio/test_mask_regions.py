from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.label_studio.masks.mask_regions import MaskRegion, mask_regions
from ihp_backend.label_studio.masks.opacity import NothingDrawn

CAPTURES = Path(__file__).parent.parent / "captures"
SIZE = {"original_height": 40, "original_width": 80}


def brush(**value: Any) -> dict[str, Any]:
    return {"id": "r", "type": "brushlabels", "to_name": "i", **SIZE, "value": {"brushlabels": ["Hat"], **value}}


def only(*records: dict[str, Any]) -> MaskRegion:
    (region,) = mask_regions(records)
    return region


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
    mask = only(brush(touches=[touch(line, 10)])).mask()  # Percent of the width: 8 pixels.
    points = np.array(line).reshape(2, 2) * [0.8, 0.4]
    assert not (mask & ~within(points, 5)).any()
    assert not (~mask & within(points, 3)).any()


def test_strokes_come_after_the_mask_that_they_change() -> None:
    whole = np.ones((40, 80), bool)
    mask = only(brush(rle=encode(whole), touches=[touch([0, 0, 0, 100], 20, "eraser")])).mask()
    assert not mask[:, :6].any()
    assert mask[:, 12:].all()


def test_a_draft_that_the_page_sent() -> None:
    request = json.loads((CAPTURES / "25_page_draft_with_touches.json").read_text())["request"]
    records = request["tasks"][0]["drafts"][0]["result"]
    region = only(*records)
    mask = region.mask()
    assert region.label == "Face"
    assert mask.shape == (600, 800)
    x, y = (round(part * side / 100) for part, side in zip((47.884, 17.888), (800, 600), strict=True))
    assert mask[y, x]
    assert 0.001 < mask.mean() < 0.05


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (brush(rle=[1, 2, 3]), "rle"),
        (brush(rle="AAAA"), "rle"),
        (brush(touches=[{}]), "touches"),
        (brush(touches=3), "touches"),
        (brush(touches=[touch([1, 2, 3], 1)]), "touches"),
        (brush(touches=[touch(["a", "b"], 1)]), "touches"),  # type: ignore[list-item]
        (brush(touches=[touch([1, 2], float("nan"))]), "touches"),
        (brush(touches=[touch([1, float("nan")], 1)]), "touches"),
        ({**brush(rle=[0]), "original_width": None}, "original_width"),
        ({**brush(rle=[0]), "original_height": 0}, "original_height"),
        ({"type": "brushlabels"}, "original_width"),
    ],
)
def test_masks_that_cannot_be_read(record: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as raised:
        only(record).mask()
    assert not isinstance(raised.value, NothingDrawn)


@pytest.mark.parametrize(
    "record",
    [
        brush(),
        brush(rle=[], touches=[]),
        brush(rle=encode(np.zeros((40, 80), bool))),
        brush(touches=[touch([20, 50, 60, 50], 10), touch([0, 50, 100, 50], 30, "eraser")]),
        {"type": "bitmasklabels", **SIZE, "value": {"imageDataURL": ""}},
        {"type": "polygonlabels", **SIZE, "value": {"points": [[10, 10], [20, 20]]}},
    ],
)
def test_regions_in_which_nothing_is_drawn(record: dict[str, Any]) -> None:
    with pytest.raises(NothingDrawn):
        only(record).mask()


def picture(mask: np.ndarray, mode: str = "LA") -> str:
    """A mask as tools write it: white on black, or white and transparent."""
    white = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    drawn = Image.new("RGBA", white.size, (0, 0, 0, 0))
    drawn.paste((255, 255, 255, 255), mask=white)
    file = io.BytesIO()
    (white if mode == "L" else drawn if mode == "RGBA" else drawn.convert(mode)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


DISC = within(np.array([[40.0, 20.0], [40.0, 20.0]]), 9)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "L"])
@pytest.mark.parametrize(("kind", "field"), [("brushlabels", "maskDataURL"), ("bitmasklabels", "imageDataURL")])
def test_masks_that_are_pictures(kind: str, field: str, mode: str) -> None:
    record = {"id": "r", "type": kind, **SIZE, "value": {kind: ["Hat"], field: picture(DISC, mode)}}
    region = only(record)
    assert region.label == "Hat"
    np.testing.assert_array_equal(region.mask(), DISC)


def test_a_smaller_bitmask_is_stretched_as_in_the_editor() -> None:
    record = {"type": "bitmask", **SIZE, "value": {"imageDataURL": picture(DISC[::2, ::2])}}
    np.testing.assert_array_equal(only(record).mask(), DISC[::2, ::2].repeat(2, 0).repeat(2, 1))


def test_strokes_come_after_a_picture_as_after_rle() -> None:
    mask = only(brush(maskDataURL=picture(DISC), touches=[touch([0, 0, 0, 100], 200, "eraser")])).mask
    with pytest.raises(NothingDrawn):
        mask()


@pytest.mark.parametrize("url", ["https://127.0.0.1/mask.png", "data:image/png;base64,AAAA", "data:,", 7, ["data:,"]])
def test_pictures_that_cannot_be_read(url: Any) -> None:
    with pytest.raises(ValueError, match=r"value\.imageDataURL: ") as raised:
        only({"type": "bitmask", **SIZE, "value": {"imageDataURL": url}}).mask()
    assert not isinstance(raised.value, NothingDrawn)


def test_a_region_of_a_kind_that_is_not_read_says_so() -> None:
    with pytest.raises(ValueError, match="regions of type vectorlabels are not read"):
        only({"type": "vectorlabels", **SIZE, "value": {"vertices": []}}).mask()


def test_a_photograph_beyond_reason_takes_no_memory() -> None:
    record = {"type": "polygonlabels", "original_height": 10**6, "original_width": 10**6,
              "value": {"points": [[0, 0], [100, 0], [100, 100]]}}  # fmt: skip
    with pytest.raises(ValueError, match="original_width"):
        only(record).mask()


def test_packing_changes_nothing() -> None:
    region = only(brush(rle=encode(DISC)))
    assert isinstance(region.packed().value["rle"], bytes)
    np.testing.assert_array_equal(region.packed().mask(), region.mask())
    broken = only(brush(rle=[1, 2, 3000]))
    assert broken.packed() == broken
