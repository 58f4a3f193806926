"""What a lesson leaves in a version's folder beside the model."""

from __future__ import annotations

import json
from pathlib import Path

from ihp_backend.label_studio.loose_json import as_object

GATE = "gate.json"
"""What the gate says."""

MANIFEST = "manifest.json"
"""What the version was made of."""

LOSSES = "losses.csv"
"""Losses of the lesson, step by step; one that was resumed has some steps twice."""

PICTURES = "pictures"
"""Folder of photographs parsed before and after."""


def read_report(file: Path) -> dict[str, object]:
    """``GATE`` or ``MANIFEST`` of a version; empty for what is missing or no JSON object."""
    try:
        return as_object(json.loads(file.read_text()))
    except (OSError, ValueError):
        return {}
