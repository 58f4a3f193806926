"""Which predictions Label Studio shows, and what to do so that those of a version are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WHERE = "Settings, Annotation, Prelabeling"


def how_to_show(project: Mapping[str, Any], backends: Sequence[Mapping[str, Any]], version: str) -> str | None:
    """What to do so that annotators get the predictions of a version; None if they do already.

    A project shows one thing: nothing, the predictions of one version, or, under the title of a connected backend,
    those of whatever version that backend serves.

    Args:
        project: Label Studio's settings of it.
        backends: those connected to it.
        version: of the predictions.
    """
    chosen = project.get("model_version") or ""
    if not project.get("show_collab_predictions"):
        return f"annotators see no predictions: in {_WHERE}, switch on predictions and choose {version}"
    if chosen == version:
        return None
    for backend in backends:
        if chosen and chosen == backend.get("title"):
            serves = backend.get("model_version")
            if serves == version:
                return None
            return (
                f"annotators see those of the backend {chosen!r}, which serves {serves}: start it with the same "
                f"--model and --data-dir as this command, or choose {version} in {_WHERE}"
            )
    seen = f"those of {chosen!r}" if chosen else "none"
    return f"annotators see {seen}: choose {version} in {_WHERE}"
