"""The control tags of a labelling config with the attributes that decide how the editor behaves."""

from __future__ import annotations

from dataclasses import dataclass

from ihp_backend.label_studio.config.config_tags import lower_names
from ihp_backend.label_studio.config.config_text import elements

AUTOMATIC_KEYS = "1234567890qwetasdfgzxcvbyiopjklnm"
"""The keys that Label Studio gives, in this order, to labels without one."""


@dataclass(frozen=True)
class LabelKey:
    """A label of a control tag.

    Attributes:
        number: its element's place in document order.
        value: the label.
        key: its own hotkey in lower case, "" for none.
    """

    number: int
    value: str
    key: str


@dataclass(frozen=True)
class Control:
    """A control tag.

    Attributes:
        number: its element's place in document order.
        tag: in lower case.
        name: its name.
        smart: whether its smart tool is offered: so it is, unless the config says no.
        smart_only: whether its plain tool is not.
        labels: its labels in document order.
    """

    number: int
    tag: str
    name: str
    smart: bool
    smart_only: bool
    labels: tuple[LabelKey, ...]


def read_controls(text: str) -> list[Control]:
    """The control tags of a well-formed labelling config."""
    found = elements(text)
    numbers = {id(element): number for number, element in enumerate(found)}
    controls = []
    for number, element in enumerate(found):
        attributes = lower_names(element.attrib)
        if not attributes.get("toname") or not isinstance(element.tag, str):
            continue
        labels = []
        for child in element.iter():
            own = lower_names(child.attrib)
            if isinstance(child.tag, str) and child.tag.lower() == "label" and own.get("value"):
                key = own.get("hotkey", "").strip().lower()
                labels.append(LabelKey(numbers[id(child)], own["value"], key))
        smart = attributes.get("smart", "true").lower() != "false"
        smart_only = attributes.get("smartonly", "false").lower() == "true"
        tag, name = element.tag.lower(), attributes.get("name", "")
        controls.append(Control(number, tag, name, smart, smart_only, tuple(labels)))
    return controls


def effective_keys(controls: list[Control]) -> dict[int, str]:
    """The key of every label as the editor has it, by the place of its element: its own, or the next free one."""
    labels = [label for control in controls for label in control.labels]
    keys = {label.number: label.key for label in labels if label.key}
    free = iter([key for key in AUTOMATIC_KEYS if key not in keys.values()])
    for label in labels:
        if not label.key and (key := next(free, None)) is not None:
            keys[label.number] = key
    return keys
