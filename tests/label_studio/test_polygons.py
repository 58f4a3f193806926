"""Polygons instead of brushes, where the labelling config has them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ihp_backend.label_studio.clicks.saved_work import read_saved_work
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks.polygons import MOST, polygons
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.label_studio.masks.shape_masks import shape_mask

LABELS = '<Label value="Hat"/><Label value="Face" alias="f"/>'
CONFIG = parse_labelling_config(
    f"""<View><Image name="i" value="$i"/><KeyPointLabels name="k" toName="i" smart="true">{LABELS}</KeyPointLabels>
    <PolygonLabels name="p" toName="i">{LABELS}</PolygonLabels></View>"""
)
BOTH = parse_labelling_config(
    f"""<View><Image name="i" value="$i"/><PolygonLabels name="p" toName="i">{LABELS}</PolygonLabels>
    <BrushLabels name="b" toName="i"><Label value="Hat"/></BrushLabels></View>"""
)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(20, 90), width=st.integers(20, 90))
def test_painted_again_they_are_the_mask(seed: int, height: int, width: int) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(height, width)), (0, 0), 5)
    mask = noise > 0
    painted = np.zeros_like(mask)
    for points in polygons(mask):
        painted |= shape_mask("polygonlabels", {"points": points}, height, width)
    # The photograph's edges are outlines, too.
    inside = cv2.erode(np.pad(mask, 2).astype(np.uint8), np.ones((5, 5)))[2:-2, 2:-2] > 0
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, cv2.findContours(mask.astype(np.uint8), 0, cv2.CHAIN_APPROX_NONE)[0], -1, 1, -1)
    outside = cv2.dilate(filled, np.ones((5, 5))) == 0
    assert painted[inside].all(), "what is well inside the mask is in a polygon"
    assert not painted[outside].any(), "what is well outside is in none"


def test_the_largest_come_first_and_thin_ones_are_left_out() -> None:
    mask = np.zeros((100, 400), bool)
    mask[10:90, 5:50] = mask[10:20, 60:70] = True
    mask[50, 200:300] = True
    assert len(polygons(mask)) == 2
    assert polygons(mask)[0] == [[1.375, 10.5], [1.375, 89.5], [12.375, 89.5], [12.375, 10.5]]
    mask[:] = np.kron(np.indices((10, 40)).sum(0) % 2, np.ones((10, 10)))  # A chess board, its fields apart.
    mask[::10] = mask[:, ::10] = False
    assert len(polygons(mask)) == MOST


def test_a_label_of_two_pieces_has_two_regions() -> None:
    label_map = np.zeros((40, 80), np.uint8)
    label_map[5:35, 5:30] = label_map[5:15, 50:60] = 1
    target = CONFIG.mask_target("f")
    assert target is not None
    first, second = regions(label_map, {1: target}, {1: 0.5}, Place("1", "2"))
    assert second["id"] == f"{first['id']}-1"
    assert (first["type"], first["from_name"], first["score"]) == ("polygonlabels", "p", 0.5)
    assert first["value"]["polygonlabels"] == ["f"]
    assert first["value"]["points"] == [[6.875, 13.75], [6.875, 86.25], [36.875, 86.25], [36.875, 13.75]]


def test_brushes_come_before_polygons() -> None:
    assert [BOTH.mask_target(label).type for label in ("Hat", "Face")] == [  # type: ignore[union-attr]
        "brushlabels",
        "polygonlabels",
    ]


@pytest.mark.parametrize(("config", "accepted"), [(CONFIG, {"Hat"}), (BOTH, set())])
def test_a_polygon_is_accepted_work_where_masks_are_polygons(config: object, accepted: set[str]) -> None:
    region = {"id": "a", "type": "polygonlabels", "to_name": "i", "value": {"points": [], "polygonlabels": ["Hat"]}}
    saved = read_saved_work({"drafts": [{"id": 1, "result": [region]}]}, config, "i")  # type: ignore[arg-type]
    assert saved.accepted.keys() == accepted
