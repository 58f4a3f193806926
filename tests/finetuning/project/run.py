"""One seed of the measurement: annotate, learn, measure, again and again in one and the same project."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from examples.demo.project import upload_name
from ihp_backend.evaluation import provenance
from ihp_backend.evaluation.summary import write_json
from ihp_backend.model_registry.versions import GATE, MANIFEST
from tests.finetuning.project.annotating import annotate, submit
from tests.finetuning.project.labels import LABELS, ProjectDataset
from tests.finetuning.project.measuring import measure
from tests.finetuning.project.studio import Studio, running


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        data: folder of the CCP person crops.
        out: folder for what comes of it.
        accepted: numbers of accepted photographs after which a fine-tuning job is run; 0: the base model.
        model: base model, None for the packaged default.
        base: "NAME:FOLDER", see ``ihp train --base``.
        photographs: of the val split, to measure on.
        shuffled: photographs accepted in the end with another one's masks.
        candidates: whether versions that the gate holds back are measured, too.
    """

    data: Path
    out: Path
    accepted: Sequence[int]
    model: str | None
    base: str | None
    photographs: int
    shuffled: int
    candidates: bool


def result_file(out: Path, seed: int, step: str) -> Path:
    """Of one step of one seed: a number of accepted photographs, or "shuffled"."""
    return out / f"seed-{seed}" / f"accepted-{step}.json"


def run_seed(plan: Plan, seed: int, console: Console) -> None:
    """Runs what is missing of a seed."""
    steps = [*map(str, sorted(plan.accepted)), *(["shuffled"] if plan.shuffled else [])]
    missing = [step for step in steps if not result_file(plan.out, seed, step).exists()]
    if not missing:
        return
    train = ProjectDataset(plan.data, "train")
    order = np.random.default_rng(seed).permutation(len(train)).tolist()
    good = max(plan.accepted)
    if good + plan.shuffled > len(order):
        raise ValueError(f"accepted, shuffled: {good + plan.shuffled} photographs asked for, there are {len(order)}")
    folder = plan.out / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder, LABELS, plan.model) as studio:
        for step in missing:
            console.rule(f"seed {seed}, accepted {step}")
            bad = order[good : good + plan.shuffled] if step == "shuffled" else []
            work = _accept_shuffled(studio, train, bad) if bad else None
            if work is None:
                work = _accept(studio, train, order[: int(step)], folder, seed, console)
            result = {"seed": seed, "accepted": step, **work, **_learn(studio, plan)} if step != "0" else {"seed": seed}
            result |= _measured(studio, plan, folder, result.get("version"), console)
            write_json(result_file(plan.out, seed, step), {**result, **provenance("tests.finetuning.project")})


def _accept(
    studio: Studio, train: ProjectDataset, chosen: Sequence[int], folder: Path, seed: int, console: Console
) -> dict[str, Any]:
    """Annotates those photographs that are not yet; gives how that went."""
    diary = folder / "annotations.jsonl"
    for index, task in _tasks(studio, train, chosen, lambda todo: track(todo, "annotating", console=console)):
        done = annotate(studio.client, studio.backend, task, train[index], LABELS, seed, index)
        with diary.open("a") as file:
            file.write(json.dumps({"photograph": train.ids[index], **asdict(done)}) + "\n")
    # Kept line by line; one written twice, around an interruption, counts once.
    lines = diary.read_text().splitlines() if diary.exists() else []
    kept = {one["photograph"]: one for one in map(json.loads, lines)}
    of_these = [kept[train.ids[index]] for index in chosen if train.ids[index] in kept]
    newest = of_these[-20:]
    return {
        f"{name}_of_the_newest": float(np.mean([one[name] for one in newest])) if newest else None
        for name in ("clicks", "painted", "mean_iou")
    }


def _accept_shuffled(studio: Studio, train: ProjectDataset, chosen: Sequence[int]) -> dict[str, Any]:
    """Submits every photograph with the masks of the next one, in its own size."""
    following = dict(zip(chosen, [*chosen[1:], chosen[0]], strict=True))
    for index, task in _tasks(studio, train, chosen, lambda todo: todo):
        height, width = train.parsing(index).shape
        other = cv2.resize(train.parsing(following[index]), (width, height), interpolation=cv2.INTER_NEAREST)
        submit(studio.client, task, np.asarray(other, np.uint8), LABELS)
    return {"shuffled": len(chosen)}


def _tasks(
    studio: Studio,
    train: ProjectDataset,
    chosen: Sequence[int],
    shown: Callable[[Sequence[int]], Iterable[int]],
) -> Iterable[tuple[int, int]]:
    """Photographs without an annotation, and their tasks."""
    studio.add([train.pairs[index].photograph for index in chosen])
    tasks = studio.tasks()
    by_index = {index: tasks[Path(upload_name(train.pairs[index].photograph)).stem] for index in chosen}
    for index in shown([index for index in chosen if not by_index[index]["total_annotations"]]):
        yield index, int(by_index[index]["id"])


def _learn(studio: Studio, plan: Plan) -> dict[str, Any]:
    """Runs a fine-tuning job; gives what became of it."""
    mended = studio.sync()
    report = studio.learn(plan.base)
    versions, project = studio.workspace.versions, str(studio.project)
    result: dict[str, Any] = {
        "not_told": mended,
        "state": report.state,
        "message": report.message,
        "minutes": ((report.ended or report.started) - report.started) / 60,
        "seconds_by_stage": report.seconds,
        "version": report.version,
    }
    if report.version is not None:
        manifest = versions.report(project, report.version, MANIFEST)
        result["gate"] = versions.report(project, report.version, GATE)
        result |= {name: manifest.get(name) for name in ("share", "mean_iou_by_share")}
    return result


def _measured(studio: Studio, plan: Plan, folder: Path, candidate: Any, console: Console) -> dict[str, Any]:
    """What serves now, and what the gate held back, on photographs that no fine-tuning job sees."""
    versions, project = studio.workspace.versions, str(studio.project)
    serving = versions.current(project)

    def of(version: str | None) -> dict[str, Any]:
        model = plan.model if version is None else str(versions.check(project, version))
        records = folder / "measured" / (version or "base")
        return measure(model, plan.data, plan.photographs, records, console).to_json()

    result: dict[str, Any] = {"serving": serving, "measured": of(serving)}
    if plan.candidates and candidate not in (None, serving):
        result["held_back"] = of(candidate)
    return result
