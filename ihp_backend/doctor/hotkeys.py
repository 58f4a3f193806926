"""Hotkeys that clash: of two labels, or of a label and a tool of the editor."""

from __future__ import annotations

from collections import defaultdict

from ihp_backend.doctor.controls import Control, LabelKey, effective_keys
from ihp_backend.label_studio.config.config_text import Edits
from ihp_backend.label_studio.config.config_writer import EDITOR_KEYS, HIDDEN_KEYS, TOOL_KEYS, hotkeys
from ihp_backend.label_studio.config.tag_table import tag_of


def clashes(controls: list[Control]) -> list[str]:
    """Clashes of hotkeys, each in a few words."""
    named = {label.number: f"{label.value!r} of {control.name}" for control in controls for label in control.labels}
    holders = defaultdict(list)
    for number, key in effective_keys(controls).items():
        holders[key].append(number)
    told = []
    for key, numbers in sorted(holders.items()):
        names = " and ".join(named[number] for number in sorted(numbers))
        if key in TOOL_KEYS:
            told.append(f"{key!r} chooses a tool, and {names}")
        elif key in EDITOR_KEYS:
            told.append(f"{key!r} does something else in the editor, and chooses {names}")
        elif len(numbers) > 1:
            told.append(f"{key!r} chooses {names}")
    return told


def without_clashes(controls: list[Control]) -> Edits:
    """New keys for the labels that clash or have none; all others keep theirs.

    Labels of click tools get plain keys, those of brushes combinations out of the way.
    """
    # A label of clicks keeps a key that a brush label has, too.
    ordered = sorted(controls, key=lambda control: tag_of(control.tag).silent)
    kept: set[str] = set()
    needy: list[tuple[Control, list[LabelKey]]] = []
    for control in ordered:
        needy.append((control, []))
        for label in control.labels:
            if label.key and label.key not in kept and label.key not in EDITOR_KEYS:
                kept.add(label.key)
            else:
                needy[-1][1].append(label)
    edits: dict[int, dict[str, str]] = {}
    for control, labels in needy:
        if tag_of(control.tag).silent:
            keys: list[str | None] = [key for key in HIDDEN_KEYS if key not in kept]
        else:
            keys = hotkeys([label.value for label in labels], taken=kept)
        for label, key in zip(labels, keys, strict=False):
            if key:
                edits[label.number] = {"hotkey": key}
                kept.add(key)
    return edits
