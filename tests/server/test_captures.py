"""Every request that Label Studio was seen to send, and what has to come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ihp_backend.clicks import Click
from ihp_backend.label_studio.masks.brush_rle import decode

from .stand_in import CAPTURES, StandInImages, StandInParser, capture

BATCH = ["Hair", "Face", "UpperClothes", "Pants"]
PREDICTIONS: list[tuple[str, list[list[str]]]] = [
    ("03", [BATCH]),
    ("04", [BATCH, BATCH]),
    ("05", [["Face", "UpperClothes"]]),
    ("06", [BATCH]),
    ("10", [["Face"]]),
    ("11", [["Face"]]),
    ("12", [["UpperClothes"]]),
    ("13", [["Face", "UpperClothes"]]),  # the draft tells of UpperClothes
    ("14", [["Pants"]]),  # Face stands accepted
    ("15", [["Face"]]),
    ("16", [["Face"]]),
    ("17", [[]]),
    ("18", [["Face"]]),
    ("19", [["Face"]]),  # UpperClothes stands accepted
    ("20", [["Face", "Hat"]]),
    ("21", [["Coat", "Face", "Hat"]]),
    ("22", [["cls13"]]),
    ("23", [["Face"]]),
    ("24", [["Face"]]),
    ("25", [["Face"]]),
    ("26", [["Face"]]),
    ("27", [["UpperClothes"]]),
    ("28", [["Pants"]]),  # Face and UpperClothes stand accepted
]
WEBHOOKS = {
    "40": "ANNOTATION_CREATED",
    "41": "ANNOTATION_CREATED",
    "42": "ANNOTATION_CREATED",
    "43": "ANNOTATION_CREATED",
    "44": "ANNOTATION_UPDATED",
    "45": "ANNOTATIONS_DELETED",
    "46": "START_TRAINING",
    "47": "PROJECT_UPDATED",
    "48": "TASKS_CREATED",
}


def predict(client: FlaskClient, number: str) -> list[dict[str, Any]]:
    response = client.post("/predict", json=capture(number)["request"])
    assert response.status_code == 200
    return list(response.get_json()["results"])


def labels(item: dict[str, Any]) -> list[str]:
    return [
        (region["value"].get("brushlabels") or region["value"]["labels"])[0]
        for region in item["result"]
        if region["type"] in ("brushlabels", "labels")
    ]


def mask(region: dict[str, Any]) -> np.ndarray:
    return decode(region["value"]["rle"], region["original_height"], region["original_width"]) > 0


def test_every_capture_is_in_a_table() -> None:
    answered = {number for number, _ in PREDICTIONS} | set(WEBHOOKS) | {"01", "02", "49"}
    assert answered == {path.name[:2] for path in CAPTURES.glob("*.json")}


@pytest.mark.parametrize(("number", "expected"), PREDICTIONS, ids=[number for number, _ in PREDICTIONS])
def test_predictions(client: FlaskClient, number: str, expected: list[list[str]]) -> None:
    items = predict(client, number)
    assert [sorted(labels(item)) for item in items] == [sorted(each) for each in expected]
    context = capture(number)["request"]["params"]["context"] or {}
    clicked = {record["id"] for record in context.get("result", [])}
    for item in items:
        assert item["model_version"] == "stand-in-1"
        assert item["score"] == (0.75 if item["result"] else 0)
        assert "error" not in item
        for region in item["result"]:
            assert region["id"] not in clicked
            assert (region["original_width"], region["original_height"]) == (800, 600)
            assert region["image_rotation"] == 0
            assert region["origin"] == "prediction"
            assert region["score"] == 0.75
            if region["type"] != "labels":
                assert region["value"]["format"] == "rle"
                assert mask(region).any()


@pytest.mark.parametrize("number", [number for number, _ in PREDICTIONS])
def test_region_ids_are_stable_and_distinct(client: FlaskClient, number: str) -> None:
    first, second = predict(client, number), predict(client, number)
    ids = [[(region["id"], region["type"]) for region in item["result"]] for item in first]
    assert ids == [[(region["id"], region["type"]) for region in item["result"]] for item in second]
    everything = [each for item in ids for each in item]
    assert len(everything) == len(set(everything))


def test_batch_and_click_give_a_label_the_same_id(client: FlaskClient) -> None:
    (batch,), (clicked,) = predict(client, "06"), predict(client, "05")
    assert {region["id"] for region in clicked["result"]} <= {region["id"] for region in batch["result"]}


def test_clicks_reach_the_parser_in_pixels(client: FlaskClient, parser: StandInParser) -> None:
    predict(client, "05")
    assert parser.parsed[-1] == [Click(400, 120, 13), Click(424, 132, 13, positive=False), Click(400, 270, 5)]


def test_a_lost_sign_is_looked_up_in_the_draft(client: FlaskClient, parser: StandInParser) -> None:
    predict(client, "18")
    assert [click.positive for click in parser.parsed[-1]] == [True, False, True]


def test_a_click_sent_twice_counts_once_and_answers_with_mask_and_label(
    client: FlaskClient, parser: StandInParser
) -> None:
    (item,) = predict(client, "23")
    assert parser.parsed[-1] == [Click(400, 108, 13)]
    brush, label = item["result"]
    assert (brush["from_name"], brush["type"], brush["id"]) == ("brush", "brush", label["id"])
    assert (label["from_name"], label["type"], label["value"]["labels"]) == ("lab", "labels", ["Face"])


def test_a_box_clicks_its_middle_and_limits_the_mask(client: FlaskClient, parser: StandInParser) -> None:
    (item,) = predict(client, "24")
    assert parser.parsed[-1] == [Click(400, 125, 13)]
    rows, columns = np.nonzero(mask(item["result"][0]))
    assert columns.min() >= 336
    assert columns.max() <= 464
    assert rows.min() >= 71
    assert rows.max() <= 181


def test_a_mask_with_a_keypoint_label_is_no_click(client: FlaskClient, parser: StandInParser) -> None:
    predict(client, "27")
    assert [click.label for click in parser.parsed[-1]] == [5]


def test_a_turned_photograph_is_parsed_upright(client: FlaskClient, parser: StandInParser) -> None:
    predict(client, "26")
    assert (parser.opened[-1].width, parser.opened[-1].height) == (800, 600)


def test_an_empty_request_opens_nothing(client: FlaskClient, images: StandInImages) -> None:
    predict(client, "17")
    assert images.fetched == []


def test_a_session_as_recorded(client: FlaskClient, parser: StandInParser) -> None:
    """Face, Face, UpperClothes, Face; then Face alone was accepted, which took the dots of UpperClothes away; Pants."""
    expected = [{"Face"}, {"Face"}, {"Face", "UpperClothes"}, {"Face", "UpperClothes"}, {"Pants"}]
    for number, names in zip(("10", "11", "12", "13", "14"), expected, strict=True):
        (item,) = predict(client, number)
        assert set(labels(item)) == names, number
    assert len(parser.opened) == 1


def test_auto_accept_refines_with_one_click_at_a_time(client: FlaskClient, parser: StandInParser) -> None:
    body = capture("15")["request"]
    (click,) = body["params"]["context"]["result"]
    for number in range(3):
        click["id"], click["value"]["x"] = f"click{number}", 20.0 * number
        (item,) = client.post("/predict", json=body).get_json()["results"]
        assert len(parser.parsed[-1]) == number + 1
        assert len(item["result"]) == 1


def test_setup(client: FlaskClient, images: StandInImages) -> None:
    answer = client.post("/setup", json=capture("01")["request"])
    assert answer.status_code == 200
    assert answer.get_json()["model_version"] == "stand-in-1"
    assert answer.get_json()["labels"]["unmatched"] == {}
    assert answer.get_json()["labels"]["matched"]["TorsoSkin"] == ["torso skin"]
    predict(client, "03")
    assert images.fetched[-1][1:] == ("http://localhost:8080", "0123456789abcdef0123456789abcdef01234567")


def test_health_and_versions(client: FlaskClient) -> None:
    assert client.get("/health").get_json()["status"] == "UP"
    assert client.get("/versions").get_json() == {"versions": ["stand-in-1"]}
    assert client.post("/versions").get_json() == {"versions": ["stand-in-1"]}


def test_webhooks_are_recorded(app: Flask, client: FlaskClient) -> None:
    for number in WEBHOOKS:
        assert client.post("/webhook", json=capture(number)["request"]).status_code in (200, 201)
    stored = list(app.extensions["ihp_backend"].inbox.events())
    assert [event.kind for event in stored] == list(WEBHOOKS.values())
    assert stored[0].payload["annotation"]["result"] == capture("40")["request"]["annotation"]["result"]
    assert all("token" not in event.payload["project"] for event in stored)
    assert client.get("/status").get_json()["events_recorded"] == 6


PROJECT = {"project": {"id": 4}}


@pytest.mark.parametrize(
    ("event", "remembered"),
    [
        (capture("41")["request"], 0),
        ({"action": "ANNOTATION_UPDATED", "annotation": {"id": 9, "task": 8}, **PROJECT}, 0),
        ({"action": "ANNOTATIONS_CREATED", "annotation": [{"id": 9, "task": 8}], "task": [{"id": 8}], **PROJECT}, 0),
        ({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 2}], **PROJECT}, 0),
        ({"action": "TASKS_DELETED", "tasks": [{"id": 8}], **PROJECT}, 0),
        ({"action": "ANNOTATION_UPDATED", "annotation": {"id": 9, "task": 7}, **PROJECT}, 1),
        ({"action": "ANNOTATION_UPDATED", "annotation": {"id": 9, "task": 8}, "project": {"id": 5}}, 1),
        ({"action": "ANNOTATIONS_DELETED", "annotations": [{"id": 3}], **PROJECT}, 1),
        ({"action": "TASKS_DELETED", "tasks": [{"id": 7}], **PROJECT}, 1),
        ({"action": "TASKS_CREATED", "tasks": [{"id": 8}], **PROJECT}, 1),
        ({"action": "PROJECT_UPDATED", **PROJECT}, 1),
        ({"action": "START_TRAINING", **PROJECT}, 1),
        ({"action": "SOMETHING_NEW", "task": {"id": 8}, **PROJECT}, 1),
    ],
)
def test_submitted_and_deleted_work_is_forgotten(client: FlaskClient, event: dict[str, Any], remembered: int) -> None:
    body = capture("10")["request"]  # a click on task 8 of project 4
    body["tasks"][0]["annotations"] = [{"id": 2, "result": []}]
    client.post("/predict", json=body)
    assert client.get("/status").get_json()["clicks_remembered"] == 1
    assert client.post("/webhook", json=event).status_code == 201
    assert client.get("/status").get_json()["clicks_remembered"] == remembered
