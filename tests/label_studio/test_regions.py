from __future__ import annotations

import io
import logging

import numpy as np
import pytest
from PIL import Image

from ihp_backend.label_studio.config.config_tags import MaskTarget
from ihp_backend.label_studio.masks.brush_rle import decode
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.masks.regions import Place, mean_score, region_id, regions
from ihp_backend.label_studio.web.data_uri import decode_data_uri

PLACE = Place("4", "8")
HAT = MaskTarget("Hat", "cls1", "brush", "image", "brushlabels")
FACE = MaskTarget("Face", "Face", "brush", "image", "brush", labels_from_name="lab")


def halves() -> np.ndarray:
    """Label 1 above, label 2 below, 4 x 6 pixels."""
    return np.repeat(np.array([1, 1, 2, 2], np.uint8), 6).reshape(4, 6)


def test_a_region() -> None:
    (region,) = regions(halves(), {1: HAT, 7: FACE}, {1: 0.51234567}, Place("4", "8", image_rotation=90))
    rle = region["value"].pop("rle")
    assert (decode(rle, 4, 6) > 0).tolist() == (halves() == 1).tolist()
    assert region == {
        "id": region_id("Hat", PLACE, "image"),
        "from_name": "brush",
        "to_name": "image",
        "type": "brushlabels",
        "original_width": 6,
        "original_height": 4,
        "image_rotation": 90,
        "origin": "prediction",
        "score": 0.5123,
        "value": {"format": "rle", "brushlabels": ["cls1"]},
    }


def test_a_brush_with_labels_gets_two_results_of_one_id() -> None:
    mask, label = regions(halves(), {2: FACE}, {}, PLACE)
    assert mask["id"] == label["id"]
    assert (mask["type"], mask["from_name"], set(mask["value"])) == ("brush", "brush", {"format", "rle"})
    assert (label["type"], label["from_name"], label["value"]) == (
        "labels",
        "lab",
        {**mask["value"], "labels": ["Face"]},
    )


BITMASK = MaskTarget("Hat", "cls1", "bits", "image", "bitmasklabels")
BITMASK_WITH_LABELS = MaskTarget("Face", "Face", "bits", "image", "bitmask", labels_from_name="lab")


@pytest.mark.parametrize("target", [BITMASK, BITMASK_WITH_LABELS])
def test_a_bitmask_is_a_picture_as_the_editor_writes_it(target: MaskTarget) -> None:
    found = regions(halves(), {2: target}, {2: 0.5}, PLACE)
    with_labels = [("labels", "lab")] if target.labels_from_name else []
    assert [(one["type"], one["from_name"]) for one in found] == [(target.type, target.from_name), *with_labels]
    assert found[-1]["value"]["labels" if with_labels else target.type] == [target.returned]
    assert {one["id"] for one in found} == {region_id(target.label, PLACE, "image")}
    for one in found:
        assert not {"rle", "format"} & one["value"].keys()
        with Image.open(io.BytesIO(decode_data_uri(one["value"]["imageDataURL"], 1000))) as picture:
            pixels = np.array(picture.convert("RGBA"))
        assert (pixels[..., 3] == np.where(halves() == 2, 255, 0)).all()
        assert not pixels[..., :3].any()
    assert (next(mask_regions(found)).mask() == (halves() == 2)).all()


def test_no_empty_masks() -> None:
    assert regions(np.zeros((4, 6), np.uint8), {1: HAT, 2: FACE}, {}, PLACE) == []


def test_masks_have_the_size_the_page_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        (region,) = regions(halves(), {1: HAT}, {}, Place("4", "8", original_size=(8, 12)))
    assert (region["original_height"], region["original_width"]) == (8, 12)
    assert (decode(region["value"]["rle"], 8, 12) > 0).tolist() == [[True] * 12] * 4 + [[False] * 12] * 4
    assert "6x4 pixels, the page 12x8" in caplog.text


def test_ids_are_stable_and_tell_label_task_project_and_image() -> None:
    here = region_id("Upper Clothes", PLACE, "image")
    assert here == region_id("Upper Clothes", Place("4", "8", (1, 1), 90), "image")
    assert here.startswith("upper-clothes-")
    others = [
        region_id("Upper-Clothes", PLACE, "image"),
        region_id("Upper Clothes", PLACE, "back"),
        region_id("Upper Clothes", Place("4", "9"), "image"),
        region_id("Upper Clothes", Place("5", "8"), "image"),
    ]
    assert len({here, *others}) == 5


@pytest.mark.parametrize(
    ("label", "slug"), [("Hut für Ärzte", "hut-fur-arzte-"), ("顔", "label-"), ("\ud800", "label-")]
)
def test_ids_are_plain_ascii(label: str, slug: str) -> None:
    assert region_id(label, PLACE, "image").startswith(slug)


def test_mean_score() -> None:
    assert mean_score([]) == 0
    assert mean_score([{"score": 0.5}, {"score": 1.0}]) == 0.75
