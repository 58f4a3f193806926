"""What /status says of lessons: accepted work, the lesson that runs, versions and the last gate, by project."""

from __future__ import annotations

import base64
import csv
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ihp_backend.lessons.accepted_index import HELD_OUT
from ihp_backend.lessons.school import School
from ihp_backend.lessons.version_files import GATE, LOSSES, PICTURES, read_report
from ihp_backend.retraining.storage import StorageError

_WIDTH, _HEIGHT = 600, 120


def lessons_status(school: School) -> dict[str, Any]:
    """By project, fit for JSON; what cannot be read stands there as an error."""
    try:
        projects = school.ledger.projects()
    except StorageError as error:
        return {"": {"error": str(error)}}
    return {project: _of_project(school, project) for project in projects}


def _of_project(school: School, project: str) -> dict[str, Any]:
    try:
        index = school.accepted(project).read()
        report = school.progress(project).current()
        versions = school.versions.versions(project)
        serving = school.versions.current(project)
        annotations = len(school.ledger.standing(project))
    except StorageError as error:
        return {"error": str(error)}
    lesson = None
    if report is not None:
        lesson = {**asdict(report), "seconds_left": report.seconds_left(time.time())}
    items = index.items if index else ()
    return {
        "annotations": annotations,
        "accepted": len(items),
        "held_out": sum(item.split == HELD_OUT for item in items),
        "left_out": {str(task): reason for task, reason in (index.left_out if index else {}).items()},
        "not_used": {str(item.task): list(item.notes) for item in items if item.notes},
        "serving": serving,
        "versions": versions,
        "lesson": lesson,
        "last_gate": _gate(school, project, versions[-1]) if versions else None,
    }


def _gate(school: School, project: str, version: str) -> dict[str, Any] | None:
    gate = read_report(school.versions.folder(project, version) / GATE)
    return {"version": version, **gate} if gate else None


def curve(school: School, project: str) -> str | None:
    """The losses of the lesson that runs or of the newest version, as the points of an SVG polyline."""
    folders = [school.lesson_folder(project)]
    folders += [school.versions.folder(project, version) for version in reversed(school.versions.versions(project))]
    for folder in folders:
        losses = _losses(folder / LOSSES)
        if len(losses) > 1:
            return _points(losses)
    return None


def pictures(school: School, project: str) -> list[str]:
    """The newest version's pictures before and after, as data URIs."""
    versions = school.versions.versions(project)
    if not versions:
        return []
    files = sorted((school.versions.folder(project, versions[-1]) / PICTURES).glob("*.jpg"))
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
