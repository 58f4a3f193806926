"""The part of /status about fine-tuning, by project: accepted work, the job that runs, versions and the last gate."""

from __future__ import annotations

import base64
import csv
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Any

from ihp_backend.finetuning.accepted_index import HELD_OUT, Item
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.model_registry.versions import GATE, LOSSES
from ihp_backend.storage.storage_error import StorageError

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 640, 190, 46, 16, 32
"""Of the drawn losses and their margins, in the units of the picture."""

_AVERAGED = 20
"""Steps over which the strong line of the losses is the mean."""


def fine_tuning_status(workspace: Workspace) -> dict[str, Any]:
    """The fine-tuning status by project, fit for JSON; a project that cannot be read has an error instead."""
    try:
        projects = workspace.annotation_store.projects()
    except StorageError as error:
        return {"": {"error": str(error)}}
    return {project: _of_project(workspace, project) for project in projects}


def _of_project(workspace: Workspace, project: str) -> dict[str, Any]:
    try:
        index = workspace.accepted(project).read()
        report = workspace.progress(project).current()
        versions = workspace.versions.versions(project)
        serving = workspace.versions.current(project)
        annotators = workspace.annotation_store.annotators(project)
    except StorageError as error:
        return {"error": str(error)}
    job = None
    if report is not None:
        job = {**asdict(report), "seconds_left": report.seconds_left(time.time())}
    items = index.items if index else ()
    return {
        "annotations": len(annotators),
        "accepted": len(items),
        "held_out": sum(item.split == HELD_OUT for item in items),
        "left_out": {str(task): reason for task, reason in (index.left_out if index else {}).items()},
        "not_used": {str(item.task): list(item.notes) for item in items if item.notes},
        "serving": serving,
        "versions": versions,
        "annotators": _annotators(annotators, items),
        "labels": _labels(items),
        "lesson": job,
        "last_gate": _gate(workspace, project, versions[-1]) if versions else None,
    }


def _annotators(annotators: Mapping[int, str], items: Sequence[Item]) -> list[dict[str, Any]]:
    """Figures of each annotator's work, whoever made most first; of photographs with one annotation only."""
    counts = Counter(annotators.values())
    made: dict[str, list[Item]] = {}
    for item in items:
        if len(item.annotations) == 1:
            made.setdefault(annotators.get(item.annotations[0], ""), []).append(item)
    return [
        {
            "annotator": annotator,
            "annotations": count,
            "seconds": _median(item.seconds for item in made.get(annotator, ())),
            "clicks": _median(item.clicks for item in made.get(annotator, ())),
            "untouched": _median(item.untouched for item in made.get(annotator, ())),
        }
        for annotator, count in counts.most_common()
    ]


def _labels(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Each accepted label: on how many photographs, and its median share of them; the most frequent first."""
    shares: dict[str, list[float]] = {}
    for item in items:
        for label, share in item.shares.items():
            shares.setdefault(label, []).append(share)
    told = [
        {"label": label, "photographs": len(found), "share": statistics.median(found)}
        for label, found in shares.items()
    ]
    return sorted(told, key=lambda one: (-one["photographs"], one["label"]))


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _gate(workspace: Workspace, project: str, version: str) -> dict[str, Any] | None:
    gate = workspace.versions.report(project, version, GATE)
    return {"version": version, **gate, "measures": _measures(gate)} if gate else None


def _measures(gate: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each measure of the gate, which may want a proof of it and set it as a condition, too."""
    rows: dict[str, dict[str, Any]] = {}
    for proof in gate.get("proofs", ()):
        rows[proof["measure"]] = {**proof, "verdict": "better" if proof["passed"] else "not proven better"}
    for condition in gate.get("conditions", ()):
        row = rows.setdefault(condition["measure"], {**condition, "verdict": "no worse"})
        if not condition["passed"]:
            row["verdict"] = "worse"
        elif row["verdict"] == "not proven better":
            row["verdict"] = "no worse"
    return [{name: value for name, value in row.items() if name != "passed"} for row in rows.values()]


def curve(workspace: Workspace, project: str) -> dict[str, Any] | None:
    """The losses of the fine-tuning job that runs or of the newest version, drawn: lines and ticks of a picture."""
    losses = _losses(_text(workspace.job_folder(project) / LOSSES))
    for version in reversed(workspace.versions.versions(project)):
        if len(losses) > 1:
            break
        losses = _losses((workspace.versions.read(project, version, LOSSES) or b"").decode(errors="replace"))
    return _drawn(losses) if len(losses) > 1 else None


def pictures(workspace: Workspace, project: str) -> list[str]:
    """The newest version's pictures before and after, as data URIs."""
    versions = workspace.versions.versions(project)
    if not versions:
        return []
    names = workspace.versions.pictures(project, versions[-1])
    read = (workspace.versions.read(project, versions[-1], name) for name in names)
    return [f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}" for picture in read if picture is not None]


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""


def _losses(text: str) -> dict[int, float]:
    try:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(StringIO(text))}
    except (ValueError, KeyError, TypeError):
        return {}


def _drawn(losses: Mapping[int, float]) -> dict[str, Any]:
    steps, values = zip(*sorted(losses.items()), strict=True)
    over = min(_AVERAGED, max(2, len(values) // 5))
    means = [statistics.fmean(values[max(0, at - over + 1) : at + 1]) for at in range(len(values))]
    least, most = min(values), max(values)
    right, bottom = _WIDTH - 10, _HEIGHT - _BOTTOM
    across, down = (right - _LEFT) / (steps[-1] - steps[0]), (bottom - _TOP) / max(most - least, 1e-9)

    def x(step: float) -> float:
        return round(_LEFT + (step - steps[0]) * across, 1)

    def y(loss: float) -> float:
        return round(_TOP + (most - loss) * down, 1)

    def line(of: Sequence[float]) -> str:
        return " ".join(f"{x(step)},{y(loss)}" for step, loss in zip(steps, of, strict=True))

    ticks = sorted({steps[0], (steps[0] + steps[-1]) // 2, steps[-1]})
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "right": right,
        "bottom": bottom,
        "over": over,
        "steps": [(x(step), str(step)) for step in ticks],
        "losses": [(y(loss), f"{loss:.3g}") for loss in (most, (most + least) / 2, least)],
        "each": line(values),
        "mean": line(means),
    }
