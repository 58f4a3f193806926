from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ihp_backend.annotation_store.changes import Annotation
from ihp_backend.label_studio.annotations.accepted_annotation import (
    AcceptedAnnotation,
    AcceptedError,
    agreed,
    read_accepted,
)
from ihp_backend.label_studio.annotations.annotation_events import changes
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.masks.brush_rle import encode

CAPTURES = Path(__file__).parent.parent / "captures"
CONFIG = parse_labelling_config(
    """<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">
    <Label value="Hat"/><Label value="Coat" alias="c"/></BrushLabels></View>"""
)
LABELS, (IMAGE,) = CONFIG.label_set(), CONFIG.images
LEFT, TOP = np.zeros((2, 6, 8), bool)
LEFT[:, :4] = True
TOP[:3] = True


def region(mask: np.ndarray, *names: str, **more: Any) -> dict[str, Any]:
    value = {"format": "rle", "rle": encode(mask), "brushlabels": list(names)}
    size = {"original_height": mask.shape[0], "original_width": mask.shape[1]}
    return {"id": "r", "type": "brushlabels", "to_name": "i", **size, "value": value, **more}


def work(*records: dict[str, Any], **content: Any) -> AcceptedAnnotation | None:
    content = {"result": records, "data": {"photo": "a.jpg"}, "seconds": 12, "model_version": None, **content}
    annotation = Annotation("2", 5, 3, "1", 1.0, False, json.dumps(content))
    return read_accepted(annotation, CONFIG, IMAGE, LABELS)


def test_regions_become_a_label_map_and_the_rest_is_undrawn() -> None:
    found = work(region(LEFT, "Hat", origin="prediction"), region(TOP, "c", origin="prediction-changed"))
    assert found is not None
    expected = np.full((6, 8), 255, np.uint8)
    expected[LEFT], expected[TOP] = LABELS.id_of("Hat"), LABELS.id_of("Coat")
    np.testing.assert_array_equal(found.label_map, expected)
    assert (found.annotation, found.task, found.address, found.seconds) == (5, 3, "a.jpg", 12.0)
    assert found.untouched == pytest.approx(24 / 36)
    assert found.left_out == ()


@pytest.mark.parametrize("number", [40, 42, 44])
def test_what_label_studio_sent(number: int) -> None:
    (file,) = CAPTURES.glob(f"{number}_*.json")
    event = json.loads(file.read_text())["request"]
    config = parse_labelling_config(event["project"]["label_config"])
    *_, annotation = changes(event)
    assert isinstance(annotation, Annotation)
    found = read_accepted(annotation, config, config.images[0], config.label_set())
    assert found is not None
    assert found.label_map.shape == (600, 800)
    drawn = [name for name in config.labels if (found.label_map == config.label_set().id_of(name)).any()]
    named = {name for record in event["annotation"]["result"] for name in record["value"].get("brushlabels", ())}
    assert set(drawn) == named
    assert found.address == event["task"]["data"]["image"]


def test_only_clicks_are_no_work() -> None:
    (file,) = CAPTURES.glob("43_*.json")
    event = json.loads(file.read_text())["request"]
    config = parse_labelling_config(event["project"]["label_config"])
    *_, annotation = changes(event)
    assert isinstance(annotation, Annotation)
    assert read_accepted(annotation, config, config.images[0], config.label_set()) is None
    assert work() is None


def test_regions_on_another_image_are_told_of() -> None:
    found = work(region(LEFT, "Hat"), region(TOP, "c", to_name="back"))
    assert found is not None
    assert (found.label_map == LABELS.id_of("Hat")).sum() == 24
    assert found.left_out == ("annotation 5, regions on back: only those on i are learned from",)
    with pytest.raises(AcceptedError, match="nothing is drawn that can be used: annotation 5, regions on back"):
        work(region(LEFT, "Hat", to_name="back"))


def test_polygons_count_and_labels_that_are_gone_do_not() -> None:
    polygon = {**region(LEFT, "Hat"), "type": "polygonlabels"}
    polygon["value"] = {"points": [[0, 0], [100, 0], [100, 100], [0, 100]], "polygonlabels": ["Coat"]}
    found = work(region(LEFT, "Shoe"), region(TOP, "Hat", "c"), polygon)
    assert found is not None
    assert (found.label_map == LABELS.id_of("Coat")).all()
    assert not found.unknown.any()
    assert [text.split(": ")[1] for text in found.left_out] == [
        "labels ['Shoe'] do not name one label of the config",
        "labels ['Hat', 'c'] do not name one label of the config",
    ]


@pytest.mark.parametrize(
    ("records", "content", "message"),
    [
        (
            [{**region(LEFT, "Hat"), "value": {"rle": [1, 2], "brushlabels": ["Hat"]}}],
            {},
            "annotation 5, region r: rle",
        ),
        (
            [region(np.zeros_like(LEFT), "Hat")],
            {},
            "nothing is drawn that can be used: annotation 5, region r: value: no pixel is painted",
        ),
        ([region(LEFT, "Hat")], {"data": None}, "task 3: its data have no photograph under 'photo'"),
        ([{**region(LEFT, "Hat"), "original_width": "8"}], {}, "no size of a photograph"),
    ],
)
def test_work_from_which_nothing_can_be_learned(records: list[Any], content: dict[str, Any], message: str) -> None:
    with pytest.raises(AcceptedError, match=message):
        work(*records, **content)


def test_annotators_count_where_they_agree() -> None:
    one, other = work(region(LEFT, "Hat"), region(TOP, "c")), work(region(LEFT, "Hat"))
    assert one is not None
    assert other is not None
    both, unknown = agreed([one, other])
    np.testing.assert_array_equal(both == LABELS.id_of("Hat"), LEFT & ~TOP)
    np.testing.assert_array_equal(both == 255, ~(LEFT & ~TOP))
    # One of them drew there, so it is not background; below, neither did.
    np.testing.assert_array_equal(unknown, TOP)
    third = work(region(LEFT[:3], "Hat"))
    assert third is not None
    with pytest.raises(AcceptedError, match="task 3 has two photographs"):
        agreed([one, third])


def test_a_task_of_several_photographs_is_left_out_with_a_reason() -> None:
    content = {"result": [region(LEFT, "Hat")], "data": {"photo": ["a.jpg", "b.jpg"]}}
    annotation = Annotation("2", 5, 3, "1", 1.0, False, json.dumps(content))
    with pytest.raises(AcceptedError, match="task 3: several photographs under 'photo'"):
        read_accepted(annotation, CONFIG, replace(IMAGE, several=True), LABELS)
