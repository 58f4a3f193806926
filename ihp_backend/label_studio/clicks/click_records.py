"""What ClickMemory remembers of a photograph, as text and back."""

from __future__ import annotations

import json
from typing import Any

from ihp_backend.label_studio.clicks.box import Box
from ihp_backend.label_studio.clicks.prompts import Prompt
from ihp_backend.label_studio.clicks.standing_clicks import Remembered, RememberedLabel


def to_text(remembered: Remembered) -> str:
    """JSON that ``from_text`` reads."""
    labels = [
        {
            "name": name,
            "prompts": [_fields(prompt) for prompt in label.prompts.values()],
            "seen_in_draft": sorted(label.seen_in_draft),
            "stamp": label.stamp,
            "clicked": label.clicked,
        }
        for name, label in remembered.labels.items()
    ]
    return json.dumps({"labels": labels, "annotations": sorted(remembered.annotations)}, separators=(",", ":"))


def _fields(prompt: Prompt) -> dict[str, Any]:
    # Not asdict, which copies: there may be a thousand of them.
    return {**vars(prompt), "box": None if prompt.box is None else vars(prompt.box)}


def from_text(text: str) -> Remembered:
    """What ``to_text`` has written; nothing if another release wrote it otherwise."""
    try:
        content = json.loads(text)
        labels = {label["name"]: _label(label) for label in content["labels"]}
        return Remembered(labels, frozenset(content["annotations"]))
    except (KeyError, TypeError, ValueError):
        return Remembered()


def _label(content: dict[str, Any]) -> RememberedLabel:
    prompts = [
        Prompt(**{**prompt, "box": None if prompt["box"] is None else Box(**prompt["box"])})
        for prompt in content["prompts"]
    ]
    return RememberedLabel(
        prompts={prompt.id: prompt for prompt in prompts},
        seen_in_draft=set(content["seen_in_draft"]),
        stamp=content["stamp"],
        clicked=content["clicked"],
    )
