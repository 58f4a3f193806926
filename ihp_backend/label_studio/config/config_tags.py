"""The tags of a labelling config: images, prompts, and what takes masks; how their attributes are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from ihp_backend.label_studio.config.task_values import has_variables, paths, whole_path


@dataclass(frozen=True)
class ImageTag:
    """An ``<Image>``.

    Attributes:
        name: of the tag.
        value: where its photograph is: an address, a variable of the task's data, or a text with variables.
        several: the task holds a list of addresses, which are shown as pages (``valueList``).
    """

    name: str
    value: str
    several: bool = False

    @property
    def data_key(self) -> str | None:
        """The path of the address in the task's data, None if ``value`` is more or less than one variable."""
        return whole_path(self.value)

    @property
    def from_task(self) -> bool:
        """Whether tasks have photographs of their own."""
        return has_variables(self.value)

    @property
    def field(self) -> str:
        """The field that a problem with the photograph names."""
        found = paths(self.value)
        return f"data.{found[0]}" if found else f"<Image name={self.name!r}>"


@dataclass(frozen=True)
class PromptTag:
    """A control tag with which annotators prompt, of a ``type`` that the table of labelling tags has for it."""

    name: str
    to_name: str
    type: str


@dataclass(frozen=True)
class MaskTarget:
    """Target of a label's mask: the tag that takes it, and the label's name there.

    Attributes:
        label: the label's value in the config.
        returned: what results call it: its alias where it has one.
        from_name, to_name: the control tag and the image tag.
        type: of the labelling tag, one that ``takes_masks``.
        labels_from_name: the paired ``<Labels>`` tag, None for the others.
    """

    label: str
    returned: str
    from_name: str
    to_name: str
    type: str
    labels_from_name: str | None = None


def lower_names(attributes: Mapping[str, str]) -> dict[str, str]:
    """Attributes by their names in lower case: Label Studio reads these in any case."""
    return {name.lower(): value for name, value in attributes.items()}


def is_tag(element: Any) -> bool:
    """Whether an element is a tag: comments and processing instructions carry a function instead."""
    return isinstance(element.tag, str)


def value_of(element: Element, attributes: Mapping[str, str]) -> str:
    """The value of a tag: its text, if it holds nothing else, or its attribute."""
    text = (element.text or "").strip() if not len(element) else ""
    return escape(text) or attributes.get("value", "")


def to_names_of(attributes: Mapping[str, str]) -> list[str]:
    """Names of the tags that a control tag is on.

    Examples:
        >>> to_names_of({"toname": "left, right"})
        ['left', 'right']
    """
    return [name.strip() for name in attributes.get("toname", "").split(",") if name.strip()]
