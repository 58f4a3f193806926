"""A project's labels, as the backend understands them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ihp_backend.doctor.calling import NoAnswer
from ihp_backend.doctor.case import Case, Project
from ihp_backend.doctor.finding import Finding
from ihp_backend.label_studio.config.tag_table import mask_tags_to_name


def set_up(case: Case, project: Project, backend_url: str) -> dict[str, Any]:
    """Answer of the backend's /setup about the project's labels; empty where it says nothing."""
    try:
        answer = case.ask("POST", f"{backend_url}/setup", {"project": str(project.id), "schema": project.config})
    except NoAnswer:
        return {}
    labels = answer.content.get("labels") if answer.ok and isinstance(answer.content, dict) else None
    return labels if isinstance(labels, dict) else {}


def labels(project: Project, told: dict[str, Any]) -> Iterator[Finding]:
    """Which of the model's labels become which, labels that it lacks, and labels without a brush for their mask.

    Args:
        told: from ``set_up``.
    """
    matched, unmatched = dict(told.get("matched") or {}), dict(told.get("unmatched") or {})
    without_brush, place = list(told.get("without_brush") or []), project.place
    if unmatched and not told.get("any_labels"):
        reasons = "; ".join(f"{name!r} ({reason})" for name, reason in unmatched.items())
        found = f"the model does not answer clicks of {reasons}"
        unused = ", ".join(map(str, told.get("unused") or [])) or "none"
        remedy = f"rename them in the labelling config; labels of the model that are not in it: {unused}"
        yield Finding("labels", "warning" if matched else "error", found, remedy, place)
    elif matched or unmatched:
        yield Finding(
            "labels", "ok", str(told.get("summary") or f"{len(matched)} labels known to the model"), "", place
        )
    for label, missing in dict(told.get("not_found") or {}).items():
        found = f"predicted_values of {label!r} name {', '.join(map(repr, missing))}, which the model does not have"
        yield Finding("labels", "warning", found, f"ihp labels {project.id} lists what it has; correct them", place)
    if without_brush:
        found = f"no brush takes the masks of {', '.join(without_brush)}, so clicks of them are answered with nothing"
        yield Finding("masks", "error", found, f"add them to {mask_tags_to_name()}", place)
