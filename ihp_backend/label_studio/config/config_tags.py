"""The tags of a labelling config: images, prompts, and what takes masks; how their attributes are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BRUSHES = ("brushlabels", "brush")
BITMASKS = ("bitmasklabels", "bitmask")
"""Types of ``MaskTarget``: with labels of its own, and paired with ``<Labels>``."""


@dataclass(frozen=True)
class ImageTag:
    """An ``<Image>``.

    Attributes:
        name: of the tag.
        data_key: the task's data key that holds the address, None for a fixed address.
        address: the fixed one.
        several: the task holds a list of addresses, which are shown as pages (``valueList``).
    """

    name: str
    data_key: str | None
    address: str = ""
    several: bool = False


@dataclass(frozen=True)
class PromptTag:
    """A control tag with which annotators prompt: KeyPointLabels, KeyPoint, RectangleLabels or Rectangle."""

    name: str
    to_name: str
    type: str


@dataclass(frozen=True)
class MaskTarget:
    """How the mask of a label is returned.

    Attributes:
        label: the label's value in the config.
        returned: what results call it: its alias where it has one.
        from_name, to_name: the control tag and the image tag.
        type: one of ``BRUSHES`` or ``BITMASKS``, or "polygonlabels".
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
