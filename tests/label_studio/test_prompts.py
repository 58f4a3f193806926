from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.clicks import Click
from ihp_backend.label_studio.clicks.prompt_box import Box
from ihp_backend.label_studio.clicks.prompt_records import read_request
from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config

CONFIG = parse_labelling_config(
    """<View><Image name="image" value="$image"/><KeyPointLabels name="kp" toName="image">
    <Label value="Hat"/><Label value="Face" alias="f"/></KeyPointLabels></View>"""
)


def keypoint(x: Any = 50.0, y: Any = 50.0, label: Any = "Hat", **more: Any) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 0.2, "keypointlabels": [label]}
    return {"id": "c1", "type": "keypointlabels", "from_name": "kp", "to_name": "image", "value": value, **more}


def rectangle(**value: Any) -> dict[str, Any]:
    box = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "rectanglelabels": ["Hat"], **value}
    return {"id": "r1", "type": "rectanglelabels", "to_name": "image", "value": box}


@pytest.mark.parametrize(
    ("x", "y", "pixel"),
    [
        (0, 0, (0, 0)),
        (100, 100, (799, 599)),
        (99.999, 99.999, (799, 599)),
        (50, 50, (400, 300)),
        (0.124, 0, (0, 0)),
        (0.125, 0, (1, 0)),
        (50.04945598417409, 18.018463567424995, (400, 108)),
    ],
)
def test_percent_to_pixels(x: float, y: float, pixel: tuple[int, int]) -> None:
    (prompt,) = read_request([keypoint(x, y)], CONFIG, {}).prompts
    assert prompt.to_click(3, height=600, width=800) == Click(*pixel, 3)


@given(x=st.floats(0, 100), y=st.floats(0, 100), height=st.integers(1, 5000), width=st.integers(1, 5000))
def test_every_click_falls_on_a_pixel(x: float, y: float, height: int, width: int) -> None:
    click = Prompt("c", "Hat", x, y).to_click(1, height, width)
    assert 0 <= click.x < width
    assert 0 <= click.y < height


@pytest.mark.parametrize(
    ("record", "field"),
    [
        (keypoint(x=-0.1), "context.result[0].value.x"),
        (keypoint(y=100.1), "context.result[0].value.y"),
        (keypoint(x=None), "context.result[0].value.x"),
        (keypoint(x="50"), "context.result[0].value.x"),
        (keypoint(x=float("nan")), "context.result[0].value.x"),
        (keypoint(label="Wings"), "context.result[0].value.keypointlabels"),
        (keypoint(label=None), "context.result[0].value.keypointlabels"),
        (keypoint(value=None), "context.result[0].value"),
        (keypoint(is_positive="yes"), "context.result[0].is_positive"),
        (rectangle(width=0), "context.result[0].value"),
        (rectangle(height=-1), "context.result[0].value"),
        (rectangle(rotation=float("inf")), "context.result[0].value.rotation"),
        (rectangle(x=1e9), "context.result[0].value.x"),
    ],
)
def test_prompts_that_cannot_be_used_are_named(record: dict[str, Any], field: str) -> None:
    request = read_request([record, keypoint(id="good")], CONFIG, {})
    assert [problem.field for problem in request.problems] == [field]
    assert [prompt.id for prompt in request.prompts] == ["good"]


def test_an_accepted_mask_with_a_keypoint_label_is_no_click() -> None:
    mask = {"id": "m", "type": "keypointlabels", "to_name": "image", "value": {"rle": [1], "keypointlabels": ["Hat"]}}
    request = read_request([mask, keypoint()], CONFIG, {})
    assert ([prompt.id for prompt in request.prompts], request.problems) == (["c1"], ())
    (problem,) = read_request([mask], CONFIG, {}).problems
    assert (problem.field, problem.value) == ("context.result", "no click or box among 1 records")


@pytest.mark.parametrize("record", [None, 7, {}, {"type": ["keypointlabels"]}])
@pytest.mark.parametrize("others", [[], [keypoint()]])
def test_records_that_are_no_prompts_are_said(record: Any, others: list[Any]) -> None:
    request = read_request([*others, record], CONFIG, {})
    assert len(request.prompts) == len(others)
    assert [problem.field for problem in request.problems] == [f"context.result[{len(others)}].type"]


@pytest.mark.parametrize("kind", ["brushlabels", "brush", "polygonlabels", "ellipselabels", "ellipse", "bitmask"])
def test_smart_tools_that_are_not_answered_are_said_once(kind: str) -> None:
    record = {"id": "s", "type": kind, "to_name": "image", "value": {kind: ["Hat"], "x": 5, "points": [[1, 2]]}}
    (problem,) = read_request([record, {**record, "id": "t"}], CONFIG, {}).problems
    assert (problem.field, problem.value) == ("context.result[0].type", kind)
    assert 'smart="false"' in problem.remedy


@pytest.mark.parametrize(
    ("labels", "taken", "said"),
    [
        (["Hat", "Face"], "Hat", True),
        (["f", "Hat"], "Face", True),
        (["Wings", "Face"], "Face", True),
        (["Hat", ["Face"]], "Hat", True),
        (["Face", "f"], "Face", False),
        (["Hat", "Hat"], "Hat", False),
    ],
)
def test_a_click_with_two_labels_says_which_was_taken(labels: list[Any], taken: str, said: bool) -> None:
    request = read_request([keypoint(value={"x": 5, "y": 5, "keypointlabels": labels})], CONFIG, {})
    assert [prompt.label for prompt in request.prompts] == [taken]
    assert [problem.value for problem in request.problems] == ([", ".join(map(str, labels))] if said else [])
    assert all(f"only '{taken}' was taken" in problem.remedy for problem in request.problems)


@pytest.mark.parametrize(
    ("box", "on_it"),
    [
        ({"x": 101, "y": 10}, False),
        ({"x": -50, "y": 10}, False),
        ({"x": 10, "y": -41}, False),
        ({"x": 100, "y": 10}, False),
        ({"x": 99, "y": 99}, True),
        ({"x": -29, "y": 10}, True),
        ({"x": 110, "y": 50, "width": 20, "height": 20, "rotation": 90}, True),  # it turns about its corner
        ({"x": -1, "y": 50, "width": 20, "height": 20, "rotation": 90}, False),
    ],
)
def test_a_box_beside_the_image_is_said(box: dict[str, Any], on_it: bool) -> None:
    request = read_request([rectangle(**box)], CONFIG, {})
    assert (len(request.prompts), len(request.problems)) == (int(on_it), int(not on_it))
    assert all("draw the box on the image" in problem.remedy for problem in request.problems)


@pytest.mark.parametrize(
    ("more", "signs", "positive"),
    [
        ({"is_positive": True}, {"c1": False}, True),
        ({"is_positive": False}, {}, False),
        ({}, {"c1": False}, False),
        ({}, {"other": False}, True),
        ({"is_positive": None}, {}, True),
    ],
)
def test_signs(more: dict[str, Any], signs: dict[str, bool], positive: bool) -> None:
    (prompt,) = read_request([keypoint(**more)], CONFIG, signs).prompts
    assert prompt.positive is positive


@pytest.mark.parametrize("name", ["Face", "f"])
def test_labels_by_value_and_alias(name: str) -> None:
    (prompt,) = read_request([keypoint(label=name)], CONFIG, {}).prompts
    assert prompt.label == "Face"


def test_a_doubled_click_counts_once_even_if_only_its_twin_has_the_label() -> None:
    bare = keypoint(type="keypoint", value={"x": 1, "y": 2})
    twin = keypoint(type="labels", value={"x": 1, "y": 2, "labels": ["Face"]})
    request = read_request([bare, twin], CONFIG, {})
    assert request.prompts == (Prompt("c1", "Face", 1.0, 2.0),)
    assert request.problems == ()


def test_what_the_request_says_about_the_image() -> None:
    request = read_request([keypoint(original_width=800, original_height=600, image_rotation=90)], CONFIG, {})
    assert (request.to_name, request.original_size, request.image_rotation) == ("image", (600, 800), 90)
    odd = read_request([keypoint(original_width="800", original_height=-1, image_rotation="left")], CONFIG, {})
    assert (odd.original_size, odd.image_rotation) == (None, 0)


def test_sizes_of_no_photograph_are_none() -> None:
    box = {**rectangle(), "original_width": 10**400, "original_height": 600}
    request = read_request([box, keypoint(original_width=1 << 40, original_height=600)], CONFIG, {})
    assert (len(request.prompts), request.problems, request.original_size) == (2, (), None)


def test_prompts_on_another_image_are_left_out() -> None:
    request = read_request([keypoint(), keypoint(id="c2", to_name="back")], CONFIG, {})
    assert [prompt.id for prompt in request.prompts] == ["c1"]


def test_a_click_without_an_id_is_known_by_its_place() -> None:
    first, second = (read_request([keypoint(id=None)], CONFIG, {}).prompts for _ in range(2))
    assert first == second
    assert len(first) == 1


def test_a_box() -> None:
    (prompt,) = read_request([rectangle()], CONFIG, {}).prompts
    assert prompt.to_click(2, height=100, width=200) == Click(50, 40, 2)
    mask = Box(10, 20, 30, 40).mask(height=100, width=200)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 60, 20, 80)
    assert mask[20:61, 20:81].all()


def test_a_box_turns_clockwise_about_its_corner() -> None:
    box = Box(50, 50, 20, 10, rotation=90)
    assert box.corners(height=100, width=100) == pytest.approx(np.array([[50, 50], [50, 70], [40, 70], [40, 50]]))
    assert Prompt("r", "Hat", 50, 50, box=box).to_click(1, 100, 100) == Click(45, 60, 1)


def test_a_turned_box_is_turned_in_pixels_not_in_percent() -> None:
    corners = Box(0, 0, 50, 10, rotation=90).corners(height=400, width=100)
    assert corners[1] == pytest.approx([0, 50])


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["keypointlabels", "rectanglelabels", "labels", "keypoint", "brush", 3]),
                "id": st.none() | st.text(max_size=3) | st.lists(st.integers(), max_size=1),
                "to_name": st.sampled_from(["image", "other", None, 5]),
                "value": st.dictionaries(
                    st.sampled_from(["x", "y", "width", "height", "keypointlabels", "rectanglelabels", "labels"]),
                    st.floats() | st.integers() | st.just(["Hat"]) | st.text(max_size=3) | st.lists(st.none()),
                ),
            }
        ),
        max_size=6,
    )
)
def test_whatever_comes_nothing_is_raised(records: list[dict[str, Any]]) -> None:
    request = read_request(records, CONFIG, {})
    ids = [prompt.id for prompt in request.prompts]
    assert len(ids) == len(set(ids))
    for prompt in request.prompts:
        assert prompt.label == "Hat"
        click = prompt.to_click(1, 37, 53)
        assert (0 <= click.x < 53, 0 <= click.y < 37) == (True, True)
        if prompt.box is not None:
            assert prompt.box.mask(37, 53).shape == (37, 53)
