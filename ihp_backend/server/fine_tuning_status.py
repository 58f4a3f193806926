"""The part of /status about fine-tuning, by project: accepted work, the job that runs, versions and the last gate."""

from __future__ import annotations

import base64
import csv
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ihp_backend.finetuning.accepted_index import HELD_OUT
from ihp_backend.finetuning.workspace import Workspace
from ihp_backend.model_registry.versions import GATE, LOSSES, PICTURES, read_report
from ihp_backend.storage.sqlite import StorageError

_WIDTH, _HEIGHT = 600, 120


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
        annotations = len(workspace.annotation_store.current(project))
    except StorageError as error:
        return {"error": str(error)}
    job = None
    if report is not None:
        job = {**asdict(report), "seconds_left": report.seconds_left(time.time())}
    items = index.items if index else ()
    return {
        "annotations": annotations,
        "accepted": len(items),
        "held_out": sum(item.split == HELD_OUT for item in items),
        "left_out": {str(task): reason for task, reason in (index.left_out if index else {}).items()},
        "not_used": {str(item.task): list(item.notes) for item in items if item.notes},
        "serving": serving,
        "versions": versions,
        "lesson": job,
        "last_gate": _gate(workspace, project, versions[-1]) if versions else None,
    }


def _gate(workspace: Workspace, project: str, version: str) -> dict[str, Any] | None:
    gate = read_report(workspace.versions.folder(project, version) / GATE)
    return {"version": version, **gate} if gate else None


def curve(workspace: Workspace, project: str) -> str | None:
    """The losses of the fine-tuning job that runs or of the newest version, as the points of an SVG polyline."""
    folders = [workspace.job_folder(project)]
    folders += [
        workspace.versions.folder(project, version) for version in reversed(workspace.versions.versions(project))
    ]
    for folder in folders:
        losses = _losses(folder / LOSSES)
        if len(losses) > 1:
            return _points(losses)
    return None


def pictures(workspace: Workspace, project: str) -> list[str]:
    """The newest version's pictures before and after, as data URIs."""
    versions = workspace.versions.versions(project)
    if not versions:
        return []
    files = sorted((workspace.versions.folder(project, versions[-1]) / PICTURES).glob("*.jpg"))
    return [f"data:image/jpeg;base64,{base64.b64encode(file.read_bytes()).decode()}" for file in files]


def _losses(file: Path) -> dict[int, float]:
    try:
        with file.open(newline="") as lines:
            return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(lines)}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _points(losses: dict[int, float]) -> str:
    least, most, first, last = min(losses.values()), max(losses.values()), min(losses), max(losses)
    across, down = _WIDTH / (last - first), _HEIGHT / max(most - least, 1e-9)
    return " ".join(
        f"{(step - first) * across:.1f},{(most - loss) * down:.1f}" for step, loss in sorted(losses.items())
    )
