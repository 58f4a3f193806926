"""A whole fine-tuning job in miniature: accepted work in, a better version out, and a bad batch held back."""

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

from ihp_backend.finetuning import job, job_steps
from ihp_backend.finetuning.accepted_index import HELD_OUT, Index
from ihp_backend.finetuning.gate import GateRules
from ihp_backend.finetuning.job import JobError, JobRecipe
from ihp_backend.finetuning.progress import Report
from ihp_backend.finetuning.recipes import FineTuningRecipe
from ihp_backend.finetuning.schedule import TrainedState, due
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.label_studio.masks.brush_rle import encode
from ihp_backend.learning.live_recipe import LiveRecipe
from ihp_backend.parsing import Parser
from tests.finetuning.tiny_model import write_tiny_model
from tests.live_exports import LiveExports
from tests.pictures import picture

CONFIG = """<View><Image name="i" value="$photo"/><BrushLabels name="b" toName="i">
<Label value="Hat"/><Label value="Coat"/><Label value="Badge"/></BrushLabels></View>"""
NAMES = {1: "Hat", 2: "Coat", 3: "Badge"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, live_exports: LiveExports) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny", live_exports)


@pytest.fixture
def recipe(model: Path) -> JobRecipe:
    rules = GateRules(least_photographs=2, slower=10.0, drawings=200)
    tuning = FineTuningRecipe(steps=40, batch=2, learning_rate=1e-2, save_every=10)
    return JobRecipe(tuning, rules, least_choosing=1, base_model=str(model))


def accept(workspace: Workspace, tasks: range, first: int = 0, shuffled: bool = False) -> Index:
    """Accepts photographs; of those that are learned from, with masks that are somewhere else if they are shuffled."""
    known = workspace.accepted("2").read()
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
        workspace.inbox.record({**event, "task": {"id": task, "data": {"photo": f"{task}.png"}}})
    return update(workspace)


def update(workspace: Workspace) -> Index:
    from ihp_backend.finetuning.ingest import ingest

    def fetch(address: str, task: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(picture(task)[0]).save(file, "PNG")
        return file.getvalue()

    ingest(workspace.inbox, workspace.annotation_store)
    return workspace.accepted("2").update(workspace.annotation_store, "2", fetch)


def learn(
    workspace: Workspace,
    index: Index,
    recipe: JobRecipe,
    stop_at: int | None = None,
    watch: Callable[[int], None] = lambda step: None,
) -> Report:
    with workspace.progress("2").job("a test") as running:
        assert running is not None
        tell: Callable[..., None] = running.tell

        def watched(**changed: Any) -> None:
            tell(**changed)
            watch(changed.get("step", -1))
            if stop_at is not None and changed.get("step") == stop_at:
                workspace.progress("2").stop()

        running.tell = watched  # type: ignore[method-assign]
        job.run_steps(workspace, "2", index, running, recipe)
    report = workspace.progress("2").current()
    assert report is not None
    return report


@pytest.fixture
def quick_export(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of the candidate the model of the beginning comes out, which takes no time."""
    monkeypatch.setattr(job_steps, "write_model_folder", lambda folder, *_: shutil.copytree(model, folder))


@pytest.mark.usefixtures("shared_live_exports")
def test_accepted_work_makes_a_better_version_and_a_bad_batch_none(tmp_path: Path, recipe: JobRecipe) -> None:
    workspace = Workspace(tmp_path)
    index = accept(workspace, range(1, 15))
    report = learn(workspace, index, recipe)
    assert report.state == "promoted", report.message
    version = workspace.versions.current("2")
    assert version == report.version
    assert version is not None
    folder = workspace.versions.check("2", version)
    gate, manifest = (json.loads((folder / name).read_text()) for name in ("gate.json", "manifest.json"))
    assert gate["passed"]
    assert manifest["from"].startswith("tiny-")
    assert len(manifest["photographs"]) == len(index.items)
    # The badge has a name now: it is looked for without a click.
    assert manifest["labels"] == ["background", "hat", "coat", "Badge"]
    assert Parser.from_pretrained(folder).labels.names == ("background", "hat", "coat", "Badge")
    # Nothing new was accepted, so that nothing is due; what the fine-tuning job needed is cleared away.
    learned = TrainedState.read(workspace.job_documents("2"))
    assert due(learned, TrainedState.of(index, 0), every=1) is None
    assert {path.name for path in workspace.job_folder("2").iterdir()} == {
        ".lock", "lesson.json", "history.json", "outcomes.json", "learned.json",
    }  # fmt: skip

    gone = [{"id": task} for task in range(1, 15)]
    workspace.inbox.record({"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": 2})
    report = learn(workspace, accept(workspace, range(1, 15), first=100, shuffled=True), recipe)
    assert report.state == "rejected", report.message
    assert workspace.versions.current("2") == version
    assert len(workspace.versions.versions("2")) == 2
    assert [one.state for one in workspace.progress("2").history()] == ["promoted", "rejected"]


@pytest.mark.usefixtures("quick_export")
def test_stopped_it_goes_on_where_it_was(tmp_path: Path, recipe: JobRecipe) -> None:
    workspace = Workspace(tmp_path)
    index = accept(workspace, range(1, 11))
    quick = replace(recipe, fine_tuning=replace(recipe.fine_tuning, steps=30))
    assert learn(workspace, index, quick, stop_at=25).state == "stopped"
    assert workspace.versions.current("2") is None
    (kept,) = workspace.job_folder("2").glob("training-*.pt")
    steps: list[int] = []
    assert learn(workspace, index, quick, watch=steps.append).state in ("promoted", "rejected")
    assert next(step for step in steps if step > 10) == 21  # The last checkpoint was made after 20.
    assert not kept.exists()


@pytest.mark.usefixtures("quick_export")
def test_with_too_few_held_out_it_waits_or_is_forced(tmp_path: Path, recipe: JobRecipe) -> None:
    workspace = Workspace(tmp_path)
    index = accept(workspace, range(1, 4))
    few = replace(recipe, gate=GateRules(), fine_tuning=replace(recipe.fine_tuning, steps=2))
    report = learn(workspace, index, few)
    assert report.state == "rejected"
    assert "10 are needed" in report.message
    assert learn(workspace, index, replace(few, force=True)).state == "promoted"
    assert [promotion.reason for promotion in workspace.versions.promotions("2")] == ["forced"]
    assert workspace.versions.rollback("2") is None


@pytest.mark.usefixtures("shared_live_exports")
def test_a_model_is_tuned_as_it_was_trained(
    model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recipe: JobRecipe
) -> None:
    """The recipe in its ``model.json`` is that of the fine-tuning job, and goes on to the version that comes of it."""
    trained = LiveRecipe(rounds=1, loss_step=4)
    base = shutil.copytree(model, tmp_path / "base")
    described = {**json.loads((base / "model.json").read_text()), "recipe": trained.to_dict()}
    (base / "model.json").write_text(json.dumps(described))
    few = replace(recipe, base_model=str(base), fine_tuning=replace(recipe.fine_tuning, steps=2), force=True)
    learned: list[LiveRecipe] = []

    class Watched(job_steps.FineTuning):
        def run(self, *given: Any) -> bool:
            learned.append(self.loop.recipe)
            return super().run(*given)

    monkeypatch.setattr(job_steps, "FineTuning", Watched)
    (tmp_path / "workspace").mkdir()
    (tmp_path / "other").mkdir()
    workspace = Workspace(tmp_path / "workspace")
    index = accept(workspace, range(1, 4))
    report = learn(workspace, index, few)
    assert report.version is not None
    version = json.loads((workspace.versions.check("2", report.version) / "model.json").read_text())
    assert LiveRecipe.from_dict(version["recipe"]) == trained
    assert learned == [trained]
    described["recipe"]["answer_losses"][0]["class"] = "LossOfTomorrow"
    (base / "model.json").write_text(json.dumps(described))
    other = Workspace(tmp_path / "other")
    with pytest.raises(JobError, match=r"model: .*model\.json: recipe\.answer_losses: class 'LossOfTomorrow' is unkn"):
        learn(other, accept(other, range(1, 4)), few)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here: what is told without one is not seen")
def test_a_gpu_that_is_not_there_is_named(tmp_path: Path, recipe: JobRecipe) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(JobError, match="device: torch finds no cuda here; give --device cpu"):
        learn(workspace, accept(workspace, range(1, 3)), replace(recipe, device="cuda"))


def test_a_model_that_cannot_learn_is_named(tmp_path: Path, recipe: JobRecipe) -> None:
    workspace = Workspace(tmp_path)
    index = accept(workspace, range(1, 3))
    with pytest.raises(JobError, match="ccp-deeplab cannot be fine-tuned; serve a live network"):
        learn(workspace, index, replace(recipe, base_model="ccp-deeplab"))
    report = workspace.progress("2").current()
    assert report is not None
    assert (report.state, report.message.split(":")[0]) == ("failed", "JobError")
