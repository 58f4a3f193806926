"""A whole lesson in miniature: accepted work in, a better version out, and a bad batch held back."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.learning.fine_tuning_recipe import FineTuningRecipe
from ihp_backend.lessons import lesson, stages
from ihp_backend.lessons.accepted_index import HELD_OUT, Index
from ihp_backend.lessons.lesson import LessonError, LessonRecipe
from ihp_backend.lessons.plan import Learned, due
from ihp_backend.lessons.progress import Report
from ihp_backend.lessons.school import School
from ihp_backend.parsing import Parser
from ihp_backend.retraining.gate import GateRules
from tests.lessons.tiny_model import write_tiny_model
from tests.pictures import picture

CONFIG = """<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">
<Label value="Hat"/><Label value="Coat"/><Label value="Badge"/></BrushLabels></View>"""
NAMES = {1: "Hat", 2: "Coat", 3: "Badge"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def recipe(model: Path) -> LessonRecipe:
    rules = GateRules(least_photographs=2, slower=10.0, drawings=200)
    tuning = FineTuningRecipe(steps=80, batch=2, learning_rate=1e-2, save_every=10)
    return LessonRecipe(tuning, rules, least_choosing=1, base_model=str(model))


def accept(school: School, tasks: range, first: int = 0, shuffled: bool = False) -> Index:
    """Accepts photographs; of those that are learned from, with masks that are somewhere else if they are shuffled."""
    known = school.accepted("2").read()
    held_out = {item.task for item in known.items if item.split == HELD_OUT} if known else set()
    for task in tasks:
        _, parsing = picture(task)
        if shuffled and task not in held_out:
            parsing = np.roll(parsing, 40, axis=0)[:, ::-1]
            parsing = np.where(parsing > 0, 4 - parsing, 0).astype(np.uint8)
        result = [
            {"id": name, "type": "brushlabels", "to_name": "i", "original_height": 96, "original_width": 64,
             "value": {"rle": encode(parsing == label), "brushlabels": [name]}}
            for label, name in NAMES.items()
        ]  # fmt: skip
        annotation = {
            "id": first + task,
            "task": task,
            "result": result,
            "updated_at": f"2026-11-20T07:01:{first // 100:02}Z",
        }
        event = {"action": "ANNOTATION_CREATED", "annotation": annotation, "project": {"id": 2, "label_config": CONFIG}}
        school.inbox.record({**event, "task": {"id": task, "data": {"photo": f"{task}.png"}}})
    return update(school)


def update(school: School) -> Index:
    from ihp_backend.lessons.digest import digest

    def fetch(address: str, task: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(picture(task)[0]).save(file, "PNG")
        return file.getvalue()

    digest(school.inbox, school.ledger)
    return school.accepted("2").update(school.ledger, "2", fetch)


def learn(
    school: School,
    index: Index,
    recipe: LessonRecipe,
    stop_at: int | None = None,
    watch: Callable[[int], None] = lambda step: None,
) -> Report:
    with school.progress("2").lesson("a test") as running:
        assert running is not None
        tell: Callable[..., None] = running.tell

        def watched(**changed: Any) -> None:
            tell(**changed)
            watch(changed.get("step", -1))
            if stop_at is not None and changed.get("step") == stop_at:
                school.progress("2").stop()

        running.tell = watched  # type: ignore[method-assign]
        lesson.hold_lesson(school, "2", index, running, recipe)
    report = school.progress("2").current()
    assert report is not None
    return report


@pytest.fixture
def quick_export(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the candidate the model of the beginning comes out, which takes no time."""
    monkeypatch.setattr(stages, "write_model_folder", lambda folder, *_: shutil.copytree(model, folder))


def test_accepted_work_makes_a_better_version_and_a_bad_batch_none(tmp_path: Path, recipe: LessonRecipe) -> None:
    school = School(tmp_path)
    index = accept(school, range(1, 15))
    report = learn(school, index, recipe)
    assert report.state == "promoted", report.message
    version = school.versions.current("2")
    assert version == report.version
    assert version is not None
    folder = school.versions.check("2", version)
    gate, manifest = (json.loads((folder / name).read_text()) for name in ("gate.json", "manifest.json"))
    assert gate["passed"]
    assert manifest["from"].startswith("tiny-")
    assert len(manifest["photographs"]) == len(index.items)
    # The badge has a name now: it is looked for without a click.
    assert manifest["labels"] == ["background", "hat", "coat", "Badge"]
    assert Parser.from_pretrained(folder).labels.names == ("background", "hat", "coat", "Badge")
    # Nothing new was accepted, so that nothing is due; what the lesson needed is cleared away.
    learned = Learned.read(school.learned_file("2"))
    assert due(learned, Learned.of(index, 0), every=1) is None
    assert {path.name for path in school.lesson_folder("2").iterdir()} == {
        ".lock", "lesson.json", "history.json", "learned.json",
    }  # fmt: skip

    gone = [{"id": task} for task in range(1, 15)]
    school.inbox.record({"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": 2})
    report = learn(school, accept(school, range(1, 15), first=100, shuffled=True), recipe)
    assert report.state == "rejected", report.message
    assert school.versions.current("2") == version
    assert len(school.versions.versions("2")) == 2
    assert [one.state for one in school.progress("2").history()] == ["promoted", "rejected"]


@pytest.mark.usefixtures("quick_export")
def test_stopped_it_goes_on_where_it_was(tmp_path: Path, recipe: LessonRecipe) -> None:
    school = School(tmp_path)
    index = accept(school, range(1, 11))
    quick = replace(recipe, fine_tuning=replace(recipe.fine_tuning, steps=30))
    assert learn(school, index, quick, stop_at=25).state == "stopped"
    assert school.versions.current("2") is None
    (kept,) = school.lesson_folder("2").glob("training-*.pt")
    steps: list[int] = []
    assert learn(school, index, quick, watch=steps.append).state in ("promoted", "rejected")
    assert next(step for step in steps if step > 10) == 21  # The last checkpoint was made after 20.
    assert not kept.exists()


@pytest.mark.usefixtures("quick_export")
def test_with_too_few_held_out_it_waits_or_is_forced(tmp_path: Path, recipe: LessonRecipe) -> None:
    school = School(tmp_path)
    index = accept(school, range(1, 4))
    few = replace(recipe, gate=GateRules(), fine_tuning=replace(recipe.fine_tuning, steps=2))
    report = learn(school, index, few)
    assert report.state == "rejected"
    assert "10 are needed" in report.message
    assert learn(school, index, replace(few, force=True)).state == "promoted"
    assert [promotion.reason for promotion in school.versions.promotions("2")] == ["forced"]
    assert school.versions.rollback("2") is None


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here: what is told without one is not seen")
def test_a_gpu_that_is_not_there_is_named(tmp_path: Path, recipe: LessonRecipe) -> None:
    school = School(tmp_path)
    with pytest.raises(LessonError, match="device: torch finds no cuda here; give --device cpu"):
        learn(school, accept(school, range(1, 3)), replace(recipe, device="cuda"))


def test_a_model_that_cannot_learn_is_named(tmp_path: Path, recipe: LessonRecipe) -> None:
    school = School(tmp_path)
    index = accept(school, range(1, 3))
    with pytest.raises(LessonError, match="ccp-deeplab cannot be fine-tuned; serve a live network"):
        learn(school, index, replace(recipe, base_model="ccp-deeplab"))
    report = school.progress("2").current()
    assert report is not None
    assert (report.state, report.message.split(":")[0]) == ("failed", "LessonError")
