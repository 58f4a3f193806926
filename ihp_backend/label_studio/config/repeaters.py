"""Repeaters: ``<Repeater on="$shots">`` repeats what is in it for each entry of a list in the task's data.

Attributes become what the editor of Label Studio 1.23 makes of them (``tagIntoObject`` in its Tree): in each the first
``{{idx}}`` becomes the entry's number, from 0, and of a repeater's own children a second one, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from ihp_backend.label_studio.config.config_tags import is_tag, lower_names
from ihp_backend.label_studio.config.task_values import parse_value, paths
from ihp_backend.label_studio.problems import Problem, RequestError, problem

MOST_TAGS = 10_000
"""Of a config with its repeaters written out, for one task."""

MOST_NUMBERINGS = 20 * MOST_TAGS
"""Of tags, those included that come to nothing since they are in a repeater of an empty list."""

_INDEX = "{{idx}}"


def is_repeater(element: Element) -> bool:
    """Whether an element is a ``<Repeater>``."""
    return is_tag(element) and element.tag.lower() == "repeater"


def write_out(root: Element, data: Any, problems: list[Problem]) -> Element:
    """A copy of a config with its repeaters written out for a task.

    Args:
        root: of the config.
        data: the task's.
        problems: is told of repeaters without a list; they repeat nothing.

    Raises:
        RequestError: too many tags come out of it, or they are nested too deeply.
    """
    try:
        return _Writer(data, problems).copy(root, {})
    except RecursionError:
        raise RequestError(problem("label_config", "tags nested too deeply", "nest fewer tags")) from None


def own_tags(root: Element) -> Iterator[Element]:
    """The tags in document order, without what a repeater repeats: that has no names yet."""
    pending = [root]
    while pending:
        element = pending.pop()
        if is_tag(element) and not is_repeater(element):
            yield element
            pending += reversed(element)


class _Writer:
    def __init__(self, data: Any, problems: list[Problem]) -> None:
        self._data, self._problems = data, problems
        self._tags = self._numberings = 0

    def copy(self, element: Element, numbers: Mapping[str, str]) -> Element:
        """A tag and what is inside of it.

        Args:
            element: the tag.
            numbers: for each repeater right around it what stands for the entry's number, and the number.
        """
        attributes = _numbered(element.attrib, numbers)
        if is_repeater(element):
            return self._repeat(element, lower_names(attributes), numbers)
        self._tags += 1
        copied = _like(element, attributes)
        copied.extend([self.copy(child, {}) for child in element])
        return copied

    def _repeat(self, repeater: Element, attributes: Mapping[str, str], numbers: Mapping[str, str]) -> Element:
        flag, on = attributes.get("indexflag", _INDEX), attributes.get("on", "")
        entries = self._entries(on)
        view = Element("View")
        for number in range(len(entries)):
            mine = {flag: str(number)}
            view.extend([self.copy(self._numbered(child, mine), {**numbers, **mine}) for child in repeater])
            self._tags += 1
            if self._tags > MOST_TAGS or self._numberings > MOST_NUMBERINGS:
                remedy = f"at most {MOST_TAGS} tags may come of a <Repeater>: import tasks with shorter lists"
                raise RequestError(problem(f"data.{paths(on)[0]}", entries, remedy))
        return view

    def _numbered(self, element: Element, numbers: Mapping[str, str]) -> Element:
        self._numberings += 1
        numbered = _like(element, _numbered(element.attrib, numbers))
        numbered.extend([self._numbered(child, numbers) for child in element])
        return numbered

    def _entries(self, on: str) -> list[Any]:
        if not paths(on):
            self._problems.append(without_list(on))
            return []
        try:
            found = parse_value(on, self._data)
        except RequestError as error:
            self._problems.append(error.problem)
            return []
        if isinstance(found, list):
            return found
        remedy = f"import the task with a list there, through which the <Repeater on={on!r}> goes"
        self._problems.append(problem(f"data.{paths(on)[0]}", found, remedy))
        return []


def without_list(on: str) -> Problem:
    """The problem with a repeater whose ``on`` names nothing in the data of tasks."""
    remedy = "write into its on where the task's data have a list, as in $shots"
    return problem("label_config", f"<Repeater on={on!r}>", remedy)


def _numbered(attributes: Mapping[str, str], numbers: Mapping[str, str]) -> dict[str, str]:
    numbered = dict(attributes)
    for flag, number in numbers.items():
        numbered = {name: value.replace(flag, number, 1) for name, value in numbered.items()}
    return numbered


def _like(element: Element, attributes: dict[str, str]) -> Element:
    like = Element(element.tag, attributes)
    like.text = element.text
    return like
