"""LabellingConfig: what a project's labelling config says about images, prompts and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree
from PIL import ImageColor

from ihp_backend.label_studio.config.config_tags import BITMASKS, BRUSHES, ImageTag, MaskTarget, PromptTag, lower_names
from ihp_backend.label_studio.problems import RequestError, problem
from ihp_backend.labels import LabelSet, is_background, mirror_pairs

_PROMPTS = ("keypointlabels", "keypoint", "rectanglelabels", "rectangle")
_TARGETS = (*BRUSHES, *BITMASKS, "polygonlabels")
"""Of several that take a label, the one that stands first here gets its mask: each keeps more of it than the next."""


@dataclass(frozen=True)
class LabellingConfig:
    """A labelling config, as far as it concerns masks and prompts; empty for an empty or foreign one.

    Attributes:
        images: image tags in document order.
        prompts: control tags that send prompts.
        targets: how masks are returned; of several for a label and image the first: brushes, bitmasks, polygons.
        labels: label values in document order, each once, background included only if the config has it.
        aliases: alias -> label value.
        colours: label value -> RGB, where the config gives one.
    """

    images: tuple[ImageTag, ...] = ()
    prompts: tuple[PromptTag, ...] = ()
    targets: tuple[MaskTarget, ...] = ()
    labels: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)

    def label_set(self) -> LabelSet:
        """The config's labels, background first: the config's own name for it, or "background" if it has none.

        Raises:
            ValueError: more than 255 labels.
        """
        background = next((label for label in self.labels if is_background(label)), "background")
        names = (background, *(label for label in self.labels if label != background))
        spread = LabelSet(names).colours
        colours = tuple(self.colours.get(name, spread[index]) for index, name in enumerate(names))
        return LabelSet(names, flip_pairs=mirror_pairs(names), colours=colours)

    def label_of(self, name: str) -> str | None:
        """The label value that ``name`` stands for; an alias comes first, as Label Studio sends only the alias."""
        return self.aliases.get(name) or (name if name in self.labels else None)

    def id_of(self, name: str, labels: LabelSet) -> int | None:
        """The id in ``labels``, which are the config's, of the label that ``name`` stands for."""
        label = self.label_of(name)
        return None if label is None else labels.id_of(label)

    def mask_target(self, label: str, to_name: str | None = None) -> MaskTarget | None:
        """Where the mask of a label (value or alias) goes, or None: the config takes none of it on that image."""
        value = self.label_of(label)
        fitting = (target for target in self.targets if target.label == value and to_name in (None, target.to_name))
        return next(fitting, None)


@lru_cache(maxsize=64)
def parse_labelling_config(text: str | None) -> LabellingConfig:
    """Read a labelling config.

    An empty one and one without images or masks give a config without targets, they are legal in Label Studio.

    Raises:
        RequestError: the text is no XML, or XML that tries to expand entities.
    """
    if text is None or not text.strip():
        return LabellingConfig()
    try:
        root = ElementTree.fromstring(text.strip())
    except DefusedXmlException:
        raise RequestError(
            problem("label_config", "XML with entities or a DTD", "remove the document type declaration")
        ) from None
    except (ParseError, ValueError, RecursionError) as error:
        raise RequestError(
            problem("label_config", str(error), "not well-formed XML; correct it under Settings, Labeling Interface")
        ) from None
    return _read(root)


def _read(root: Element) -> LabellingConfig:
    tags = [(element.tag.lower(), lower_names(element.attrib), element) for element in root.iter() if _is_tag(element)]
    images = tuple(
        ImageTag(attributes["name"], value[1:] if value.startswith("$") else None, value, "valuelist" in attributes)
        for tag, attributes, _ in tags
        if tag == "image" and attributes.get("name")
        if (value := attributes.get("valuelist") or attributes.get("value", ""))
    )
    names = {image.name for image in images}
    prompts: list[PromptTag] = []
    with_labels: list[MaskTarget] = []
    without_labels: list[tuple[str, str, str]] = []
    shared: list[tuple[str, str, str, str]] = []
    labels: dict[str, None] = {}
    aliases: dict[str, str] = {}
    colours: dict[str, tuple[int, int, int]] = {}
    for tag, attributes, element in tags:
        name = attributes.get("name", "")
        own = list(_labels(element)) if tag.endswith("labels") else []
        for to_name in _to_names(attributes):
            if not name or to_name not in names:
                continue
            if tag in _PROMPTS:
                prompts.append(PromptTag(name, to_name, tag))
            if tag in ("brush", "bitmask"):
                without_labels.append((name, to_name, tag))
            for value, alias, colour in own:
                if tag in (*_TARGETS, *_PROMPTS, "labels"):
                    labels.setdefault(value)
                    aliases.setdefault(alias, value)
                    if colour:
                        colours.setdefault(value, colour)
                if tag in _TARGETS:
                    with_labels.append(MaskTarget(value, alias, name, to_name, tag))
                elif tag == "labels":
                    shared.append((value, alias, name, to_name))
    pairs = [
        MaskTarget(value, alias, tool, to_name, kind, labels_from_name=name)
        for value, alias, name, to_name in shared
        for tool, tool_to, kind in without_labels
        if tool_to == to_name
    ]
    targets = sorted(with_labels + pairs, key=lambda target: _TARGETS.index(target.type))
    return LabellingConfig(images, tuple(prompts), tuple(targets), tuple(labels), aliases, colours)


def _is_tag(element: Any) -> bool:
    return isinstance(element.tag, str)  # comments and processing instructions carry a function there


def _to_names(attributes: Mapping[str, str]) -> list[str]:
    return [name.strip() for name in attributes.get("toname", "").split(",") if name.strip()]


def _labels(element: Element) -> Iterator[tuple[str, str, tuple[int, int, int] | None]]:
    """(value, alias or value, colour) of every ``<Label>`` inside a control tag."""
    for child in element.iter():
        attributes = lower_names(child.attrib) if _is_tag(child) and child.tag.lower() == "label" else {}
        if value := attributes.get("value"):
            yield value, attributes.get("alias") or value, _colour(attributes.get("background", ""))


def _colour(text: str) -> tuple[int, int, int] | None:
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        return None
    return red, green, blue
