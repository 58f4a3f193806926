"""Labelling configs that take labels, addresses and repeated tags from the data of tasks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from .stand_in import StandInImages

CASES = Path(__file__).parents[1] / "cases"
CLICKED = {
    "04-labels-from-the-task/dynamic": ("part", "image", "face"),
    "04-labels-from-the-task/dynamic_and_static": ("part", "image", "face"),
    "04-labels-from-the-task/label_variable": ("part", "image", "face"),
    "05-image-value-nested-or-template/array": ("part", "image", "face"),
    "05-image-value-nested-or-template/nested": ("part", "image", "face"),
    "05-image-value-nested-or-template/template": ("part", "image", "face"),
    "06-repeater/click": ("b_0", "img_0", "face"),
}


def body_of(case: str) -> dict[str, Any]:
    """The request of a case, with clicks on a photograph of the size that every address has here."""
    body = dict(json.loads((CASES / f"{case}.json").read_text()))
    for prompt in (body["params"]["context"] or {}).get("result", ()):
        prompt |= {"original_width": 800, "original_height": 600}
    return body


def ask(client: FlaskClient, body: dict[str, Any]) -> tuple[list[tuple[str, str, str]], dict[str, Any] | None]:
    """The regions as (from_name, to_name, label), and the error."""
    (item,) = client.post("/predict", json=body).get_json()["results"]
    named = [(one["from_name"], one["to_name"], one["value"]["brushlabels"][0]) for one in item.get("result", ())]
    return named, item.get("error")


@pytest.mark.parametrize("case", CLICKED)
def test_clicks(client: FlaskClient, case: str) -> None:
    assert ask(client, body_of(case)) == ([CLICKED[case]], None)


@pytest.mark.parametrize("case", CLICKED)
def test_batches(client: FlaskClient, case: str) -> None:
    named, error = ask(client, {**body_of(case), "params": {"context": None}})
    first = CLICKED[case] if "variable" not in case else ("part", "image", "$first")
    assert first in named
    assert error is None


def test_a_template_is_fetched_filled_in(client: FlaskClient, images: StandInImages) -> None:
    ask(client, body_of("05-image-value-nested-or-template/template"))
    assert [url for url, _, _ in images.fetched] == ["http://127.0.0.1:19541/a.png"]


def test_every_repetition_of_a_batch_is_answered(client: FlaskClient, images: StandInImages) -> None:
    body = body_of("06-repeater/batch")
    named, error = ask(client, body)
    assert (named, error) == ([("b_0", "img_0", "face"), ("b_1", "img_1", "face")], None)
    assert [url for url, _, _ in images.fetched] == [shot["url"] for shot in body["tasks"][0]["data"]["shots"]][:1], (
        "both are the same picture, which is opened once"
    )


def test_the_editor_asks_by_the_variable_and_finds_its_labels_by_that(client: FlaskClient) -> None:
    body = body_of("04-labels-from-the-task/label_variable")
    (prompt,) = body["params"]["context"]["result"]
    prompt["value"] |= {"labels": ["$first"], "keypointlabels": ["$first"]}
    assert ask(client, body) == ([("part", "image", "$first")], None)


def test_a_task_with_other_labels_does_not_get_those_of_the_one_before(client: FlaskClient) -> None:
    body = body_of("04-labels-from-the-task/dynamic")
    ask(client, body)
    body["tasks"][0] |= {"id": 2}
    body["tasks"][0]["data"]["parts"] = [{"value": "hair"}]
    named, error = ask(client, body)
    assert named == []
    assert error is not None
    assert error["value"] == "face"


LABELS, IMAGE, REPEATER = "04-labels-from-the-task", "05-image-value-nested-or-template", "06-repeater"


@pytest.mark.parametrize(
    ("case", "data", "field", "value", "remedy"),
    [
        (f"{LABELS}/dynamic", {}, "data.parts", "None", "import the task with its labels there"),
        (f"{LABELS}/dynamic", {"parts": "face"}, "data.parts", "face", '[{"value": "face"}'),
        (f"{LABELS}/dynamic", {"parts": {"value": "face"}}, "data.parts", "dict of 1", '[{"value": "face"}'),
        (f"{LABELS}/dynamic", {"parts": ["face"]}, "data.parts[0]", "face", "write each label as an object"),
        (f"{LABELS}/dynamic", {"parts": [{"value": 5}]}, "data.parts[0]", "dict of 1", "write each label as an object"),
        (f"{LABELS}/dynamic", {"parts": []}, "data.parts", "no labels for <BrushLabels> in this task", "import"),
        (f"{LABELS}/dynamic", {"parts": [{"value": "a"}] * 300}, "data.parts", "list of 300", "at most 255 labels"),
        (
            f"{LABELS}/dynamic",
            {"parts": [{"value": "$no"}]},
            "data.no",
            "None",
            "a text under 'no', for the label '$no'",
        ),
        (
            f"{LABELS}/dynamic",
            {"parts": [{"value": "face", "children": [{"value": "eye"}]}]},
            "data.parts[0].children",
            "list of 1",
            "does not open a task",
        ),
        (f"{LABELS}/label_variable", {}, "data.first", "None", "a text under 'first', for the label '$first'"),
        (f"{LABELS}/label_variable", {"first": ["face"]}, "data.first", "list of 1", "a text under 'first'"),
        (f"{IMAGE}/nested", {"meta": {}}, "data.meta.image", "None", "address under 'meta.image'"),
        (f"{IMAGE}/nested", {"meta": "a.jpg"}, "data.meta.image", "None", "address under 'meta.image'"),
        (f"{IMAGE}/array", {"images": []}, "data.images[0]", "None", "address under 'images[0]'"),
        (f"{IMAGE}/template", {"file": None}, "data.file", "None", "a text under 'file', for 'http://127"),
        (f"{IMAGE}/template", {"file": {"name": "a"}}, "data.file", "dict of 1", "a text under 'file'"),
        (f"{REPEATER}/click", {}, "data.shots", "None", "a list there, through which the <Repeater on='$shots'> goes"),
        (f"{REPEATER}/click", {"shots": "a.jpg"}, "data.shots", "a.jpg", "a list there"),
        (f"{REPEATER}/click", {"shots": []}, "data.shots", "no <Image> for this task", "at least one entry"),
        (f"{REPEATER}/click", {"shots": [{}]}, "data.shots[0].url", "None", "address under 'shots[0].url'"),
        (f"{REPEATER}/batch", {"shots": [{}]}, "data.shots[0].url", "None", "address under 'shots[0].url'"),
        (f"{REPEATER}/click", {"shots": [{"url": "a"}] * 10_000}, "data.shots", "list of 10000", "shorter lists"),
    ],
)
def test_what_a_task_lacks_is_said(
    client: FlaskClient, case: str, data: dict[str, Any], field: str, value: str, remedy: str
) -> None:
    body = body_of(case)
    kept = {} if case.startswith((IMAGE, REPEATER)) else {"image": "/a.jpg"}
    body["tasks"][0]["data"] = {**kept, **data}
    _, error = ask(client, body)
    assert error is not None
    assert (error["field"], error["value"]) == (field, value)
    assert remedy in error["remedy"]


def test_a_repetition_that_the_task_does_not_have(client: FlaskClient) -> None:
    body = body_of("06-repeater/click")
    body["params"]["context"]["result"][0] |= {"from_name": "k_9", "to_name": "img_9"}
    _, error = ask(client, body)
    assert error is not None
    assert error["value"] == "img_9"
    assert "img_0, img_1" in error["remedy"]


@pytest.mark.parametrize("data", [None, "text", [], 5, {"parts": None}, {"shots": {"0": {}}}, {"meta": []}])
@pytest.mark.parametrize("case", CLICKED)
def test_data_of_any_type_are_answered_with_an_error(client: FlaskClient, case: str, data: Any) -> None:
    body = body_of(case)
    body["tasks"][0]["data"] = data
    named, error = ask(client, body)
    assert named == []
    assert error is not None
    assert "no <BrushLabels>" not in error["value"]


@pytest.mark.parametrize(
    ("case", "fields"),
    [
        (f"{LABELS}/dynamic", ["data.parts"]),
        (f"{LABELS}/dynamic_and_static", ["data.parts"]),
        (f"{LABELS}/label_variable", ["data.first"]),
        (f"{IMAGE}/nested", []),
        (f"{REPEATER}/click", ["data.shots"]),
    ],
)
def test_setup_says_what_comes_from_tasks(client: FlaskClient, case: str, fields: list[str]) -> None:
    told = client.post("/setup", json={"project": "1.2", "schema": body_of(case)["label_config"]}).get_json()
    assert "error" not in told
    assert told["labels"]["from_task"] == fields
    assert told["labels"]["without_brush"] == []


def test_setup_names_a_repeater_that_goes_through_nothing(client: FlaskClient) -> None:
    text = body_of("06-repeater/click")["label_config"].replace('on="$shots"', 'on="shots"')
    told = client.post("/setup", json={"project": "1.2", "schema": text}).get_json()
    assert told["error"]["value"] == "<Repeater on='shots'>"
    assert "as in $shots" in told["error"]["remedy"]
    body = body_of("06-repeater/click") | {"label_config": text}
    assert ask(client, body)[1] == told["error"]


@pytest.mark.parametrize(
    ("tags", "value"),
    [
        ('<Image value="$i"/><BrushLabels name="b" toName="i"/>', "an <Image> without name or value"),
        ('<Image name="i" value="$i"/><BrushLabels name="b" toName="j"/>', "<BrushLabels> on no <Image>"),
        ('<Image name="i" value="$i"/><BrushLabels name="b" toName="i"/>', "<BrushLabels> without labels"),
        ('<Image name="i" value="$i"/><Brush name="b" toName="i"/>', "<Brush> without labels"),
    ],
)
def test_a_tag_that_is_there_is_not_called_missing(client: FlaskClient, tags: str, value: str) -> None:
    body = body_of(f"{LABELS}/dynamic") | {"label_config": f"<View>{tags}</View>"}
    _, error = ask(client, body)
    assert error is not None
    assert (error["field"], error["value"]) == ("label_config", value)
