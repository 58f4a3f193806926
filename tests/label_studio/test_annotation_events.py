"""Events that Label Studio really sent, in the annotation store's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.annotation_store.changes import (
    Annotation,
    Change,
    Configured,
    TasksWithdrawn,
    TrainingWanted,
    Untold,
    Withdrawn,
)
from ihp_backend.annotation_store.store import AnnotationStore
from ihp_backend.label_studio.annotations.annotation_events import changes, listed, project_key, read_annotation

CAPTURES = Path(__file__).parent.parent / "captures"


def captured(number: int) -> dict[str, Any]:
    (file,) = CAPTURES.glob(f"{number}_*.json")
    request: dict[str, Any] = json.loads(file.read_text())["request"]
    return request


def without_config(event: dict[str, Any]) -> list[Change]:
    config, *rest = changes(event)
    assert isinstance(config, Configured)
    assert config.config.startswith("<View>")
    return rest


@pytest.mark.parametrize("number", [40, 41, 42, 43, 44])
def test_annotations_made_and_changed(number: int) -> None:
    event = captured(number)
    (found,) = without_config(event)
    assert isinstance(found, Annotation)
    sent = event["annotation"]
    assert (found.project, found.id, found.task) == (str(sent["project"]), sent["id"], sent["task"])
    assert (found.annotator, found.cancelled) == (str(sent["completed_by"]), False)
    assert 1_795_000_000 < found.updated < 1_796_000_000
    content = json.loads(found.content)
    assert content["result"] == sent["result"]
    assert content["seconds"] == sent["lead_time"]
    assert content["data"]["image"].startswith("/data/upload/")


def test_a_change_is_newer_than_what_it_changes() -> None:
    (made,), (changed,) = without_config(captured(40)), without_config(captured(44))
    assert isinstance(made, Annotation)
    assert isinstance(changed, Annotation)
    assert changed.updated - made.updated == pytest.approx(1.681237, abs=1e-5)


def test_the_other_events() -> None:
    assert without_config(captured(45)) == [Withdrawn("2", (2,))]
    assert without_config(captured(46)) == [TrainingWanted("2")]
    assert without_config(captured(47)) == without_config(captured(48)) == []
    deleted = {"action": "TASKS_DELETED", "project": 2, "tasks": [{"id": 7}, {"id": 9}]}
    assert list(changes(deleted)) == [TasksWithdrawn("2", (7, 9))]


def test_the_captured_story_ends_with_nothing_accepted(tmp_path: Path) -> None:
    store = AnnotationStore(tmp_path / "ledger.sqlite")
    for event, number in enumerate((44, 40, 45, 40, 46), start=1):
        store.take(event, changes(captured(number)))
    assert store.current("2") == []
    assert store.training_wanted("2") == 1


def test_several_annotations_at_once() -> None:
    one = {"id": 5, "task": 3, "result": [], "updated_at": "2026-11-20T07:01:27Z"}
    other = {**one, "id": 6, "task": 4, "updated_at": "2026-11-20T07:01:27.5Z", "was_cancelled": True}
    event = {"action": "ANNOTATIONS_CREATED", "project": {"id": 2}, "annotations": [one, other, {"id": "x"}]}
    untold, first, second = list(changes({**event, "tasks": [{"id": 4, "data": {"image": "a.jpg"}}]}))
    assert untold == Untold("2")  # The third has no number.
    assert isinstance(first, Annotation)
    assert isinstance(second, Annotation)
    assert second.updated - first.updated == 0.5
    assert (first.cancelled, second.cancelled) == (False, True)
    assert [json.loads(annotation.content)["data"] for annotation in (first, second)] == [None, {"image": "a.jpg"}]


def test_a_list_of_tasks_says_the_same_as_the_events() -> None:
    event = captured(44)
    (wanted,) = without_config(event)
    task = {**event["task"], "annotations": [{**event["annotation"], "completed_by": {"id": 1, "email": "a@b.c"}}]}
    assert listed("2", iter([task, {"id": 9}])) == [wanted]


FIELDS = ("action", "annotation", "annotations", "project", "task", "tasks", "id", "label_config", "result",
          "updated_at", "completed_by", "prediction")  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
)


@given(anything)
def test_anything_may_come(event: Any) -> None:
    for action in ("ANNOTATION_CREATED", "ANNOTATIONS_DELETED", "TASKS_DELETED", "START_TRAINING", None):
        given_event = {**(event if isinstance(event, dict) else {"annotation": event}), "action": action}
        for change in changes(given_event):
            assert change.project or change == Untold("")


@pytest.mark.parametrize("moment", [None, "", "yesterday", 17])
def test_a_time_that_is_none_is_older_than_any(moment: Any) -> None:
    annotation = read_annotation("2", {"id": 1, "task": 2, "updated_at": moment}, {})
    assert annotation is not None
    assert annotation.updated == 0


def test_one_project_by_all_its_names() -> None:
    assert {project_key(name) for name in ("4", 4, "4.1795158401", {"id": 4}, 4.5)} == {"4"}
    assert project_key(None) == project_key({}) == ""
