"""Edits of single attributes in a labelling config's text, which leave everything else letter for letter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from defusedxml import ElementTree

from ihp_backend.label_studio.config.config_tags import lower_names

_TAG = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(?P<name>[A-Za-z_][\w.:-]*)(?P<attributes>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>",
    re.DOTALL,
)

Edits = Mapping[int, Mapping[str, str]]
"""Attributes to set, by the place of their element in document order."""


def elements(text: str) -> list[Element]:
    """The elements of a labelling config in document order; the text must be well-formed."""
    return list(ElementTree.fromstring(text.strip()).iter())


def set_attributes(text: str, edits: Edits) -> str | None:
    """The text with some attributes set; None where that cannot be done without changing something else."""
    number = -1

    def edited(match: re.Match[str]) -> str:
        nonlocal number
        if match["name"] is None:
            return match[0]
        number += 1
        start = match[0]
        for attribute, value in edits.get(number, {}).items():
            start = _with_attribute(start, attribute, value)
        return start

    changed = _TAG.sub(edited, text)
    return changed if _as_expected(text, changed, edits) else None


def _with_attribute(start: str, attribute: str, value: str) -> str:
    """A start tag with one attribute set; Label Studio reads attribute names in any case."""
    written = f"{attribute}={quoteattr(value)}"
    given = re.compile(rf"(?<=\s){attribute}\s*=\s*(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
    if given.search(start):
        return given.sub(lambda _: written, start, count=1)
    return re.sub(r"\s*(/?)>$", lambda end: f" {written}{end[1]}>", start)


def _as_expected(text: str, changed: str, edits: Edits) -> bool:
    """Whether the two texts, once parsed, differ as wanted and in nothing else."""
    try:
        before, after = elements(text), elements(changed)
    except (ElementTree.ParseError, ValueError):
        return False
    if len(before) != len(after):
        return False
    for number, (old, new) in enumerate(zip(before, after, strict=True)):
        wanted = {**lower_names(old.attrib), **lower_names(edits.get(number, {}))}
        if (old.tag, old.text, old.tail, wanted) != (new.tag, new.text, new.tail, lower_names(new.attrib)):
            return False
    return True
