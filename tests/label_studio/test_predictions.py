"""Predictions without a server around it; the answers themselves are checked in tests/server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ihp_backend.label_studio.clicks.click_memory import ClickMemory
from ihp_backend.label_studio.masks.brush_rle import decode, encode
from ihp_backend.label_studio.predict import predictions as predictions_module
from ihp_backend.label_studio.predict.model_cache import OneModel
from ihp_backend.label_studio.predict.prediction_request import PredictionRequest
from ihp_backend.label_studio.predict.predictions import Predictions
from ihp_backend.label_studio.predict.scene_cache import SceneCache
from ihp_backend.labels import LabelSet
from ihp_backend.parsing import Parse, Scene
from ihp_backend.parsing.arrays import PlaceArray, as_they_are
from ihp_backend.parsing.checkpoint import AnswerError
from ihp_backend.parsing.photograph import Photograph

CONFIG = """<View><Image name="i" value="$i"/><KeyPointLabels name="k" toName="i"><Label value="Hat"/></KeyPointLabels>
<BrushLabels name="b" toName="i"><Label value="Hat"/></BrushLabels></View>"""
TASK = {"id": 1, "data": {"i": "photograph"}}
CLICK = {"id": "c", "type": "keypointlabels", "to_name": "i", "value": {"x": 1, "y": 1, "keypointlabels": ["Hat"]}}


class AllHat:
    """Finds nothing but hat, and is as sure of it as it is told."""

    labels = LabelSet(("background", "cap"))
    version = "all-hat-1"
    any_labels = False

    def __init__(self, confidence: float = 0.5) -> None:
        self.confidence = confidence

    def open(self, image: np.ndarray, place: PlaceArray = as_they_are) -> Scene:
        return Scene(image.shape[0], image.shape[1], 1.0, None)

    def parse(self, scene: Scene, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        confidence = np.array([0, self.confidence], np.float32)
        return Parse(np.ones((scene.height, scene.width), np.uint8), confidence)


class OnePixel:
    def fetch(self, url: str, **_: Any) -> bytes:
        return b"P6 1 1 255\n\x00\x00\x00"


@pytest.fixture(autouse=True)
def small_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is fetched is a black photograph of 4 x 4 pixels."""
    monkeypatch.setattr(
        "ihp_backend.label_studio.predict.task_photographs.read_photograph",
        lambda _: Photograph(np.zeros((4, 4, 3), np.uint8)),
    )


def predictions(parser: AllHat | None = None, **more: Any) -> Predictions:
    return Predictions(OneModel(cast(Any, parser or AllHat())), cast(Any, OnePixel()), **more)


def test_the_given_memory_and_cache_are_used_even_while_empty() -> None:
    memory, scenes = ClickMemory(), SceneCache()
    item = predictions(memory=memory, scenes=scenes).answer(
        TASK, PredictionRequest("1", CONFIG, context={"result": [CLICK]})
    )
    assert len(item["result"]) == 1
    assert (len(memory), len(scenes)) == (1, 1)


def test_clicks_are_answered_while_the_memory_cannot_be_used(tmp_path: Path) -> None:
    here = predictions(memory=ClickMemory(tmp_path / "clicks.sqlite", busy_seconds=0.05))
    with closing(sqlite3.connect(tmp_path / "clicks.sqlite", isolation_level=None)) as held:
        held.execute("BEGIN EXCLUSIVE")
        item = here.answer(TASK, PredictionRequest("1", CONFIG, context={"result": [CLICK]}))
    assert len(item["result"]) == 1
    assert item["error"]["field"] == "active prompts"
    assert "clicks.sqlite cannot be used (database is locked)" in item["error"]["value"]
    again = here.answer(TASK, PredictionRequest("1", CONFIG, context={"result": [CLICK]}))
    assert "error" not in again


@pytest.mark.parametrize(("confidence", "score"), [(0.5, 0.5), (1.5, 1), (-1, 0), (float("nan"), 0)])
def test_scores_stay_between_0_and_1(confidence: float, score: float) -> None:
    item = predictions(AllHat(confidence)).answer(TASK, PredictionRequest("1", CONFIG))
    assert (item["score"], item["result"][0]["score"]) == (score, score)


class Remembering(AllHat):
    """Answers any label and keeps what it was given as the parsing so far."""

    any_labels = True

    def with_labels(self, labels: LabelSet, known_ids: Any) -> Remembering:
        return self

    def parse(self, scene: Scene, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        self.previous = previous
        return super().parse(scene, clicks)


def test_what_is_drawn_is_the_parsing_so_far() -> None:
    mask = np.eye(4, dtype=bool)
    size = {"original_height": 4, "original_width": 4}
    region = {"id": "r", "type": "brushlabels", "to_name": "i", **size}
    region["value"] = {"brushlabels": ["Hat"], "rle": encode(mask)}
    broken = {**region, "id": "broken", "value": {"brushlabels": ["Hat"], "rle": [1]}}
    parser = Remembering()
    task = {**TASK, "drafts": [{"id": 5, "result": [broken, region]}]}
    item = predictions(parser).answer(task, PredictionRequest("1", CONFIG, context={"result": [CLICK]}))
    np.testing.assert_array_equal(parser.previous, np.where(mask, 1, 255))
    assert item["error"]["field"] == "region 'broken'"
    assert len(item["result"]) == 1
    predictions(parser).answer(TASK, PredictionRequest("1", CONFIG, context={"result": [CLICK]}))
    assert parser.previous is None
    upper_half = {"points": [[0, 0], [100, 0], [100, 50], [0, 50]], "polygonlabels": ["Hat"]}
    polygon = {**region, "id": "p", "type": "polygonlabels", "value": upper_half}
    outlined = {**TASK, "drafts": [{"id": 5, "result": [polygon]}]}
    predictions(parser).answer(outlined, PredictionRequest("1", CONFIG, context={"result": [CLICK]}))
    assert np.unique(np.asarray(parser.previous)[:2]).tolist() == [1]
    assert np.unique(np.asarray(parser.previous)[3:]).tolist() == [255]


class WithSpeck(AllHat):
    """All hat, but for one pixel of background at (5, 5)."""

    def parse(self, scene: Scene, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        parse = super().parse(scene, clicks)
        parse.label_map[5, 5] = 0
        return parse


@pytest.mark.parametrize(
    ("x", "positive", "hole"), [(1.0, True, 0), (2.75, False, 1), (2.75, True, 1), (50.0, False, 0)]
)
def test_masks_have_no_specks_but_those_clicked(
    monkeypatch: pytest.MonkeyPatch, x: float, positive: bool, hole: int
) -> None:
    monkeypatch.setattr(
        "ihp_backend.label_studio.predict.task_photographs.read_photograph",
        lambda _: Photograph(np.zeros((200, 200, 3), np.uint8)),
    )

    def holes(item: dict[str, Any]) -> int:
        return int((decode(item["result"][0]["value"]["rle"], 200, 200) == 0).sum())

    assert holes(predictions(WithSpeck()).answer(TASK, PredictionRequest("1", CONFIG))) == 0
    click = {**CLICK, "is_positive": positive, "value": {"x": x, "y": x, "keypointlabels": ["Hat"]}}
    kept = {**CLICK, "id": "d", "value": {"x": 90, "y": 90, "keypointlabels": ["Hat"]}}
    request = PredictionRequest("1", CONFIG, context={"result": [kept, click]})
    assert holes(predictions(WithSpeck()).answer(TASK, request)) == hole


def test_a_request_does_not_show_its_token() -> None:
    assert "secret" not in repr(PredictionRequest("1", CONFIG, access_token="secret"))


class Interrupted(AllHat):
    """Finds hat on the left and coat on the right; something happens while it looks for the first time."""

    labels = LabelSet(("background", "hat", "coat"))

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens, self.looks = happens, 0

    def parse(self, scene: Scene, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        self.looks += 1
        if self.looks == 1:
            self.happens()
        halves = np.repeat(np.array([1, 2], np.uint8), 2)[None].repeat(4, 0)
        return Parse(halves, np.array([0, 0.5, 0.5], np.float32))


TWO_LABELS = CONFIG.replace('<Label value="Hat"/>', '<Label value="Hat"/><Label value="Coat"/>')


def clicked(label: str) -> PredictionRequest:
    value = {"x": 1, "y": 1, "keypointlabels": [label]}
    return PredictionRequest("1", TWO_LABELS, context={"result": [{**CLICK, "id": label, "value": value}]})


def answered(item: dict[str, Any]) -> set[str]:
    return {region["value"]["brushlabels"][0] for region in item["result"]}


@pytest.mark.parametrize(
    ("event", "labels", "looks"),
    [
        (lambda here: here.answer(TASK, clicked("Coat")), {"Hat", "Coat"}, 3),
        (lambda here: here.answer({**TASK, "id": 2}, clicked("Coat")), {"Hat"}, 2),
        (lambda here: here.forget("1", "1"), {"Hat"}, 1),
        (lambda here: here.forget("1", "1") or here.answer(TASK, clicked("Coat")), {"Hat"}, 2),
    ],
    ids=["a click that was overtaken", "another task", "submitted", "submitted and begun again"],
)
def test_clicks_that_come_during_an_answer_are_in_it(
    event: Callable[[Predictions], object], labels: set[str], looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions_module, "available_cores", lambda: 4)  # Two compute at a time.
    parser = Interrupted(lambda: event(here))
    here = predictions(parser)
    item = here.answer(TASK, clicked("Hat"))
    assert answered(item) == labels
    assert parser.looks == looks
    assert "error" not in item


class Failing(AllHat):
    """Its network answers no numbers."""

    def parse(self, scene: Scene, clicks: Any, previous: Any = None, last: Any = None) -> Parse:
        raise AnswerError("logits")


@pytest.mark.parametrize("context", [None, {"result": [CLICK]}], ids=["batch", "click"])
def test_a_model_without_numbers_is_named(context: Any) -> None:
    item = predictions(Failing()).answer(TASK, PredictionRequest("7", CONFIG, context))
    assert item["result"] == []
    assert item["error"] == {
        "field": "model",
        "value": "all-hat-1",
        "remedy": "its logits are NaN or infinite, as after a training that failed; serve another model, or train and "
        "export it anew",
    }
