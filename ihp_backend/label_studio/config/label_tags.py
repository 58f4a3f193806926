"""The labels of a control tag: its ``<Label>`` tags, and those that a task brings (``value="$parts"``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element

from PIL import ImageColor

from ihp_backend.label_studio.config.config_tags import is_tag, lower_names, value_of
from ihp_backend.label_studio.config.task_values import has_variables, parse_value, paths
from ihp_backend.label_studio.problems import Problem, RequestError, problem

MOST_LABELS = 255
"""Of a label map, which has one value for pixels without a label."""

_EXAMPLE = '[{"value": "face"}, {"value": "hair"}]'


@dataclass(frozen=True)
class LabelTag:
    """A label.

    Attributes:
        value: what annotators read.
        returned: what results call it: its alias, or its value as it is written: the editor sends and finds a
            ``<Label value="$first">`` by the name ``$first``.
        colour: RGB, where it has one.
        predicted_values: names of the model's labels that become it, see ``map_labels``; empty where it says nothing.
    """

    value: str
    returned: str
    colour: tuple[int, int, int] | None = None
    predicted_values: tuple[str, ...] = ()


def task_fields(control: Element, attributes: Mapping[str, str]) -> Iterator[str]:
    """Fields of a task's data from which a control tag takes labels, one after the other."""
    values = [value_of(control, attributes)]
    values += [value_of(label, lower_names(label.attrib)) for label in _label_elements(control)]
    for value in values:
        yield from paths(value)


def labels_of(
    control: Element, attributes: Mapping[str, str], data: Any, problems: list[Problem]
) -> Iterator[LabelTag]:
    """The labels of a control tag, those of its own before those of a task.

    Args:
        control: the tag.
        attributes: of it, with names in lower case.
        data: the task's; None leaves out what comes from tasks.
        problems: is told of labels that cannot be read.

    Raises:
        RequestError: a task has more labels than a label map can hold.
    """
    for element in _label_elements(control):
        of_label = lower_names(element.attrib)
        yield from _label(value_of(element, of_label), of_label, data, problems)
    value = value_of(control, attributes)
    if data is not None and has_variables(value):
        yield from _labels_of_task(value, data, problems)


def _label_elements(control: Element) -> Iterator[Element]:
    return (child for child in control.iter() if is_tag(child) and child.tag.lower() == "label")


def _labels_of_task(value: str, data: Any, problems: list[Problem]) -> Iterator[LabelTag]:
    field = f"data.{paths(value)[0]}"
    try:
        found = parse_value(value, data)
    except RequestError as error:
        problems.append(error.problem)
        return
    if not isinstance(found, list):
        problems.append(problem(field, found, f"import the task with its labels there: {_EXAMPLE}"))
        return
    if len(found) > MOST_LABELS:
        raise RequestError(problem(field, found, f"import the task with at most {MOST_LABELS} labels"))
    for number, entry in enumerate(found):
        own = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(own, str) or not own:
            problems.append(problem(f"{field}[{number}]", entry, f"write each label as an object: {_EXAMPLE}"))
            continue
        if entry.get("children"):
            remedy = (
                "leave it out: the editor of Label Studio does not open a task whose labels have labels of their own"
            )
            problems.append(problem(f"{field}[{number}].children", entry["children"], remedy))
        if entry.get("type", "label") == "label":
            yield from _label(own, {key: text for key, text in entry.items() if isinstance(text, str)}, data, problems)


def _label(value: str, attributes: Mapping[str, str], data: Any, problems: list[Problem]) -> Iterator[LabelTag]:
    returned = attributes.get("alias") or value
    shown: Any = value
    if has_variables(value):
        if data is None:
            return
        try:
            shown = parse_value(value, data)
        except RequestError as error:
            problems.append(error.problem)
            return
        if not isinstance(shown, str) or not shown:
            path = paths(value)[0]
            remedy = f"import the task with a text under {path!r}, for the label {value!r} of the labelling config"
            problems.append(problem(f"data.{path}", shown, remedy))
            return
    if shown:
        predicted = (name.strip() for name in attributes.get("predicted_values", "").split(","))
        yield LabelTag(shown, returned, _colour(attributes.get("background", "")), tuple(filter(None, predicted)))


def _colour(text: str) -> tuple[int, int, int] | None:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        return None
    return red, green, blue
