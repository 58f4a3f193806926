from __future__ import annotations

import copy
from typing import Any

import pytest

from ihp_backend.label_studio.clicks.saved_work import read_saved_work, read_signs
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config

CONFIG = parse_labelling_config(
    """<View><Image name="image" value="$image"/><KeyPointLabels name="kp" toName="image"><Label value="Face"/>
    <Label value="Hat" alias="h"/></KeyPointLabels></View>"""
)
DOT = {"id": "d", "type": "keypointlabels", "to_name": "image", "is_positive": False}
DOT["value"] = {"x": 1, "y": 2, "keypointlabels": ["h"]}
MASK = {"id": "m", "type": "brushlabels", "to_name": "image", "value": {"rle": [1, 2], "brushlabels": ["Face"]}}
DRAWN = {**MASK, "value": {"touches": [{"type": "add"}], "brushlabels": ["h"]}}
KEYPOINT_MASK = {
    "id": "m",
    "type": "keypointlabels",
    "to_name": "image",
    "value": {"rle": [1], "keypointlabels": ["h"]},
}
PAIR = [
    {"id": "p", "type": "brush", "to_name": "image", "value": {"rle": [1]}},
    {"id": "p", "type": "labels", "to_name": "image", "value": {"labels": ["Face"]}},
]


def task(*records: Any, **more: Any) -> dict[str, Any]:
    return {"drafts": [{"id": 5, "user": "ann@example.com", "result": list(records)}], **more}


def test_dots_and_regions_of_a_draft() -> None:
    saved = read_saved_work(task(DOT, MASK, KEYPOINT_MASK), CONFIG, "image")
    assert saved.user == "ann@example.com"
    assert [(prompt.id, prompt.label, prompt.positive) for prompt in saved.prompts] == [("d", "Hat", False)]
    assert saved.accepted.keys() == {"Face"}


@pytest.mark.parametrize(("records", "accepted"), [([DRAWN], {"Hat"}), (PAIR, {"Face"}), ([KEYPOINT_MASK], set())])
def test_what_counts_as_accepted(records: list[Any], accepted: set[str]) -> None:
    assert read_saved_work(task(*records), CONFIG, "image").accepted.keys() == accepted


def test_annotations_count_only_without_a_draft() -> None:
    annotations = [{"id": 12, "result": [MASK, DOT]}]
    with_draft = read_saved_work(task(DOT, annotations=annotations), CONFIG, "image")
    without = read_saved_work({"drafts": [], "annotations": annotations}, CONFIG, "image")
    assert (with_draft.accepted.keys(), without.accepted.keys()) == (set(), {"Face"})
    assert (len(with_draft.prompts), len(without.prompts)) == (1, 0)
    assert with_draft.annotations == without.annotations == {12}


def test_a_task_begins_with_its_only_prediction() -> None:
    prediction = {"id": 3, "result": [MASK]}
    other = {"id": 4, "result": [{**MASK, "value": {"rle": [2], "brushlabels": ["Face"]}}]}
    begun = read_saved_work({"predictions": [prediction, {"id": 2, "result": []}]}, CONFIG, "image")
    assert (begun.user, begun.accepted.keys(), len(begun.records)) == (None, {"Face"}, 1)
    assert begun.stamp != read_saved_work({"predictions": [other]}, CONFIG, "image").stamp
    several = read_saved_work({"predictions": [prediction, other]}, CONFIG, "image")
    assert (several.accepted, several.records) == ({}, ())
    assert begun.looks("Face") < several.looks("Face")
    saved = read_saved_work(task(DOT, predictions=[prediction]), CONFIG, "image")
    assert (saved.accepted, saved.looks("Face")) == ({}, frozenset())


def test_other_images_are_left_out() -> None:
    saved = read_saved_work(task({**DOT, "to_name": "back"}, {**MASK, "to_name": "back"}), CONFIG, "image")
    assert (saved.prompts, saved.accepted) == ((), {})


def test_signs_of_drafts_come_before_those_of_annotations() -> None:
    annotations = [{"result": [{"id": "d", "is_positive": True}, {"id": "e", "is_positive": True}]}]
    assert read_signs(task(DOT, annotations=annotations)) == {"d": False, "e": True}


def test_the_stamp_changes_with_the_draft() -> None:
    first = task(DOT, MASK)
    stamps = {read_saved_work(first, CONFIG, "image").stamp}
    for change in ("moved", "redrawn", "saved", "removed"):
        other = copy.deepcopy(first)
        draft = other["drafts"][0]
        if change == "moved":
            draft["result"][0]["value"]["x"] = 3
        elif change == "redrawn":
            draft["result"][1]["value"]["rle"] = [1, 2, 3]
        elif change == "saved":
            draft["updated_at"] = "now"
        else:
            del draft["result"][0]
        stamps.add(read_saved_work(other, CONFIG, "image").stamp)
    assert len(stamps) == 5
    assert read_saved_work(copy.deepcopy(first), CONFIG, "image").stamp in stamps


@pytest.mark.parametrize("drafts", [None, 5, "x", [None], [{"result": None}], [{"result": [None, 3, {"value": 4}]}]])
def test_odd_drafts(drafts: Any) -> None:
    saved = read_saved_work({"drafts": drafts, "annotations": drafts}, CONFIG, "image")
    assert (saved.prompts, saved.accepted) == ((), {})
