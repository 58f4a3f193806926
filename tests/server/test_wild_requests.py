"""Whatever is sent, the answer is JSON that says what was wrong; never a 500, never a traceback."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ihp_backend.server.app import create_app
from ihp_backend.server.server_settings import ServerSettings

from .stand_in import StandInImages, StandInParser, capture
from .wild_bodies import AnyLabelsParser, Storm, aftermath, application, each_place, wild_bodies

KEYS = [
    *("tasks", "params", "context", "result", "value", "x", "y", "id", "type", "labels", "annotation", "task"),
    *("keypointlabels", "drafts", "annotations", "data", "image", "project", "action", "is_positive"),
]
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["Face", "kp", "image", "keypointlabels", "rectanglelabels", "labels", "ANNOTATION_CREATED"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(KEYS),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
WILD = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    where = ServerSettings(data_dir=tmp_path_factory.mktemp("wild"))
    return create_app(cast(Any, StandInParser()), where, images=cast(Any, StandInImages()))


def check(response: Any, *expected: int) -> Any:
    assert response.status_code in expected, response.get_data(as_text=True)[:500]
    assert "Traceback" not in response.get_data(as_text=True)
    body = json.loads(response.get_data())
    if response.status_code >= 400:
        assert set(body["error"]) == {"field", "value", "remedy"}
    return body


@WILD
@given(body=JSON_VALUES)
@pytest.mark.parametrize("path", ["/predict", "/setup", "/webhook"])
def test_any_json(lasting: Flask, path: str, body: Any) -> None:
    response = lasting.test_client().post(path, data=json.dumps(body), content_type="application/json")
    check(response, 200, 201, 400)


@WILD
@given(data=st.data())
def test_a_real_request_with_one_part_replaced(lasting: Flask, data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(["05", "13", "18", "21", "23", "24", "25", "27"]))
    body = copy.deepcopy(capture(number)["request"])
    path = data.draw(st.sampled_from(list(places(body))))
    parent = body
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = data.draw(JSON_VALUES)
    response = lasting.test_client().post("/predict", data=json.dumps(body), content_type="application/json")
    answer = check(response, 200, 400)
    if response.status_code == 200:
        assert len(answer["results"]) == len(body["tasks"])
        internal = [item for item in answer["results"] if item.get("error", {}).get("field") == "task"]
        assert internal == []


BODIES = int(os.environ.get("IHP_WILD_BODIES", "300"))


@pytest.mark.parametrize("stand_in", [StandInParser, AnyLabelsParser])
def test_mutated_captures_end_in_no_error_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, stand_in: Callable[[], StandInParser]
) -> None:
    app, storm = application(tmp_path, stand_in()), Storm()
    for route, body in wild_bodies(0, BODIES):
        storm.send(app, route, body)
    aftermath(app)
    assert storm.failures == []
    assert [record.message for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "value",
    ["\ud800", "\0", [["Face"]], {"id": [1]}, float("nan"), 10**400, "9" * 5000, None],
    ids=["surrogate", "NUL", "lists", "object", "NaN", "huge", "long", "null"],
)
def test_a_wild_value_wherever_something_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture, value: Any) -> None:
    app, storm = application(tmp_path, AnyLabelsParser()), Storm()
    for route, path, body in each_place(value):
        storm.send(app, route, body)
        assert storm.failures == [], path
    aftermath(app)
    assert [record.message for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "title": "\\ud83d"}}', "halves of surrogate pairs"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "t\\u0000": 1}}', "NUL characters"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "title": "caf\xe9"}}', "bytes that are no utf-8"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "n": NaN}}', "numbers that are not finite"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "n": 1' + b"0" * 5000 + b"}}", "not finite"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "n": 99999999999999999999}}', "beyond 64 bits"),
        (b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "n": ' + b"[" * 300 + b"]" * 300 + b"}}", "deeper"),
        (
            b'{"action": "ANNOTATION_CREATED", "project": {"id": 2, "n": '
            + b'["{\\"",{"]":' * 9**5
            + b"1"
            + b"}]" * 9**5
            + b"}}",
            "deeper",
        ),
    ],
)
def test_an_event_is_mended_and_stored_and_that_is_said(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, body: bytes, said: str
) -> None:
    assert client.post("/webhook", data=body, content_type="application/json").status_code == 201
    assert client.get("/status").get_json()["events_recorded"] == 1
    (error,) = [each for each in client.get("/status").get_json()["errors"] if each["field"] == "body"]
    assert said in error["value"]
    assert sum(said in record.message for record in caplog.records) == 1


@pytest.mark.timeout(60)  # Hours, where the text is looked through anew from each of its quotes.
def test_a_text_without_an_end_behind_what_is_too_deep(lasting: Flask) -> None:
    body = b"[" * 2000 + b'"' + b'\\"' * 1_000_000
    answer = lasting.test_client().post("/webhook", data=body, content_type="application/json")
    assert check(answer, 400)["error"]["field"] == "body"


def test_brackets_in_a_text_behind_what_is_too_deep_are_no_brackets(client: FlaskClient) -> None:
    deep = b"[" * 2000 + rb'"]\"]\\"' + b"]" * 2000
    body = b'{"action": "START_TRAINING", "n": ' + deep + b', "project": {"id": 2, "title": "[\\"{"}}'
    assert client.post("/webhook", data=body, content_type="application/json").status_code == 201
    (event,) = client.application.extensions["ihp_backend"].inbox.events()
    assert event.payload["project"] == {"id": 2, "title": '["{'}


@pytest.mark.parametrize("project", ["../4", "/etc", "4\0", "a" * 65, "٤", "-1", "4/5"])
@pytest.mark.parametrize("path", ["/predict", "/setup"])
def test_a_project_is_a_number(client: FlaskClient, path: str, project: str) -> None:
    body = {**capture("10")["request"], "project": project}
    assert check(client.post(path, json=body), 400)["error"]["field"] == "project"


@pytest.mark.parametrize(("path", "field"), [("/predict", "label_config"), ("/setup", "schema")])
def test_a_labelling_config_has_an_end(lasting: Flask, path: str, field: str) -> None:
    body = {**capture("10")["request"], field: "<View/>" * 200_000}
    assert check(lasting.test_client().post(path, json=body), 400)["error"]["field"] == field


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every part of a JSON value, but for the numbers of masks."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("rle", "touches"):
                yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


@pytest.mark.parametrize("path", ["/predict", "/setup", "/webhook"])
@pytest.mark.parametrize(
    ("body", "content_type", "field"),
    [
        (b"{", "application/json", "body"),
        (b"", "application/json", "body"),
        (b"\xff\xfe", "application/json", "body"),
        (b"[" * 100_000, "application/json", "body"),
        (b"9" * 10_000, "application/json", "body"),
        (b"[]", "application/json", "body"),
        (b"null", "application/json", "body"),
        (b"{}", "text/plain", "Content-Type"),
        (b"a=b", "application/x-www-form-urlencoded", "Content-Type"),
        (b"{}", None, "Content-Type"),
    ],
)
def test_malformed_bodies(client: FlaskClient, path: str, body: bytes, content_type: str | None, field: str) -> None:
    answer = check(client.post(path, data=body, content_type=content_type), 400)
    assert answer["error"]["field"] == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tasks": None}, "tasks"),
        ({"tasks": []}, "tasks"),
        ({"tasks": {"id": 1}}, "tasks"),
        ({"tasks": "all"}, "tasks"),
        ({"tasks": [{"id": 1}, 7]}, "tasks[1]"),
        ({"label_config": 5}, "label_config"),
        ({"project": ["1"]}, "project"),
        ({"params": []}, "params"),
        ({"params": {"context": []}}, "params.context"),
        ({"params": {"context": True}}, "params.context"),
        ({"params": {"context": {"result": {}}}}, "params.context.result"),
    ],
)
def test_wrong_types(client: FlaskClient, change: dict[str, Any], field: str) -> None:
    answer = check(client.post("/predict", json={**capture("10")["request"], **change}), 400)
    assert answer["error"]["field"] == field
    assert client.get("/status").get_json()["errors"][-1]["field"] == field


@pytest.mark.parametrize("params", [None, {}, {"login": None}])
def test_missing_params_are_a_batch(client: FlaskClient, params: Any) -> None:
    (item,) = check(client.post("/predict", json={**capture("06")["request"], "params": params}), 200)["results"]
    assert len(item["result"]) == 4


@pytest.mark.parametrize(
    "context", [{}, {"result": []}, {"result": None}, {"event": "capabilities"}, {"event": "prewarm", "result": []}]
)
def test_a_context_without_prompts_asks_for_nothing(client: FlaskClient, context: dict[str, Any]) -> None:
    body = {**capture("10")["request"], "params": {"context": context}}
    assert check(client.post("/predict", json=body), 200)["results"] == [
        {"model_version": "stand-in-1", "score": 0, "result": []}
    ]


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (None, "no <Image>"),
        ("", "no <Image>"),
        ("  ", "no <Image>"),
        ("<View><Text name='t' value='$t'/></View>", "no <Image>"),
        ("<View><Image name='image' value='$image'/></View>", "no <BrushLabels>"),
        ("<View", "unclosed token: line 1, column 0"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><View>&b;</View>', "XML with entities or a DTD"),
    ],
)
def test_configs_without_masks(client: FlaskClient, config: str | None, value: str) -> None:
    for number in ("06", "10"):
        body = {**capture(number)["request"], "label_config": config}
        (item,) = check(client.post("/predict", json=body), 200)["results"]
        assert item["result"] == []
        assert (item["error"]["field"], item["error"]["value"]) == ("label_config", value)
    setup = check(client.post("/setup", json={"project": "1", "schema": config}), 200)
    assert setup["model_version"] == "stand-in-1"
    assert ("error" in setup) == (value[:2] != "no")


@pytest.mark.parametrize("extra", [None, "", "{}", '{"model": 1}', {"model": 1}, [], 5])
def test_extra_params_in_any_form(client: FlaskClient, extra: Any) -> None:
    check(client.post("/setup", json={**capture("01")["request"], "extra_params": extra}), 200)


def test_broken_images_cost_only_their_own_item(client: FlaskClient) -> None:
    body = capture("04")["request"]
    good = body["tasks"][0]
    bad: list[Any] = [{"image": "/missing.jpg"}, {"image": "/broken.jpg"}, {}, None, {"image": None}, {"image": ["a"]}]
    body["tasks"] = [good, *({**good, "data": data} for data in bad), good]
    items = check(client.post("/predict", json=body), 200)["results"]
    assert [len(item["result"]) if "result" in item else None for item in items] == [4, *[None] * 6, 4]
    assert {item["error"]["field"] for item in items[1:-1]} == {"data.image"}
    assert items[1]["error"] == {
        "field": "data.image",
        "value": "/missing.jpg",
        "remedy": "image not found (404); import the task again",
    }


def test_labels_the_model_lacks_are_named_and_the_others_answered(client: FlaskClient, caplog: Any) -> None:
    body = capture("05")["request"]
    body["label_config"] = body["label_config"].replace('"UpperClothes"', '"Wings"')
    body["params"]["context"]["result"][2]["value"]["keypointlabels"] = ["Wings"]
    (item,) = check(client.post("/predict", json=body), 200)["results"]
    assert [region["value"]["brushlabels"] for region in item["result"]] == [["Face"]]
    assert (item["error"]["field"], item["error"]["value"]) == ("label_config", "Wings")
    assert "Wings" in caplog.text


@pytest.mark.parametrize("x", [-0.01, 100.01, float("nan"), float("inf"), None, "50", True, 10**400])
def test_clicks_outside_are_refused_and_the_others_answered(client: FlaskClient, x: Any) -> None:
    body = capture("05")["request"]
    body["params"]["context"]["result"][0]["value"]["x"] = x
    (item,) = check(client.post("/predict", data=json.dumps(body), content_type="application/json"), 200)["results"]
    assert [region["value"]["brushlabels"] for region in item["result"]] == [["UpperClothes"]]
    assert item["error"]["field"] == "context.result[0].value.x"


def test_five_hundred_clicks(client: FlaskClient, parser: StandInParser) -> None:
    body = capture("10")["request"]
    click = body["params"]["context"]["result"][0]
    clicks = [{**click, "id": f"c{n}", "value": {**click["value"], "x": n / 5, "y": 50}} for n in range(500)]
    body["params"]["context"]["result"] = clicks
    (item,) = check(client.post("/predict", json=body), 200)["results"]
    assert len(parser.parsed[-1]) == 500
    assert len(item["result"]) == 1
    assert "error" not in item


def test_of_more_clicks_than_a_task_may_hold_the_newest_count(client: FlaskClient, parser: StandInParser) -> None:
    body = capture("10")["request"]
    click = body["params"]["context"]["result"][0]
    clicks = [{**click, "id": f"c{n}", "value": {**click["value"], "x": n / 12}} for n in range(1200)]
    body["params"]["context"]["result"] = clicks
    (item,) = check(client.post("/predict", json=body), 200)["results"]
    assert len(parser.parsed[-1]) == 1000
    assert parser.parsed[-1][-1].x == int(1199 / 1200 * 800)
    assert (item["error"]["field"], item["error"]["value"]) == ("context.result", "1200 prompts")


def test_too_large_a_body(client: FlaskClient) -> None:
    response = client.post("/predict", data=b" " * (1 << 20) + b"{}", content_type="application/json")
    assert check(response, 413)["error"]["field"] == "body"


def test_unknown_paths_and_methods(client: FlaskClient) -> None:
    assert check(client.get("/nowhere"), 404)["error"]["value"] == "/nowhere"
    assert check(client.get("/predict"), 405)["error"]["value"] == "GET"


def test_an_error_of_the_server_shows_no_traceback(
    client: FlaskClient, parser: StandInParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise KeyError("a secret of the inside")

    monkeypatch.setattr(parser, "parse", fail)
    (item,) = check(client.post("/predict", json=capture("10")["request"]), 200)["results"]
    assert item["result"] == []
    assert item["error"]["field"] == "task"
    assert "secret" not in json.dumps(item)
    monkeypatch.setattr(client.application.extensions["ihp_backend"].journal, "to_json", fail)
    assert "secret" not in json.dumps(check(client.get("/status"), 500))
