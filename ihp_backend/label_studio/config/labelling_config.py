"""LabellingConfig: what a project's labelling config says about images, prompts and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from ihp_backend.label_studio.config.config_tags import (
    ImageTag,
    MaskTarget,
    PromptTag,
    is_tag,
    lower_names,
    to_names_of,
    value_of,
)
from ihp_backend.label_studio.config.label_tags import labels_of, task_fields
from ihp_backend.label_studio.config.repeaters import is_repeater, own_tags, without_list, write_out
from ihp_backend.label_studio.config.tag_table import LABELLING_TAGS, mask_rank, mask_tags_to_name, tag_of
from ihp_backend.label_studio.config.task_values import paths
from ihp_backend.label_studio.loose_json import as_object
from ihp_backend.label_studio.problems import Problem, RequestError, problem
from ihp_backend.labels import LabelSet, is_background, mirror_pairs


@dataclass(frozen=True)
class LabellingConfig:
    """A labelling config, as far as it concerns masks and prompts; empty for an empty or foreign one.

    Attributes:
        images: image tags in document order.
        prompts: control tags that send prompts.
        targets: how masks are returned; of several for a label and image the first, in the order of the tag table.
        labels: label values in document order, each once, background included only if the config has it.
        aliases: what results call a label -> its value.
        colours: label value -> RGB, where the config gives one.
        predicted_values: label value -> names of the model's labels that become it, where the config gives some.
        from_task: where in a task's data labels or repeated tags come from, as in ``data.parts``. What comes from there
            is missing until ``of_task`` says it.
        problems: with labels and repeated tags, and what a task's data lack of them.
        unusable: why no task can be answered with it; None if that is not so.
    """

    images: tuple[ImageTag, ...] = ()
    prompts: tuple[PromptTag, ...] = ()
    targets: tuple[MaskTarget, ...] = ()
    labels: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    predicted_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    from_task: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    unusable: Problem | None = None
    _root: Element | None = field(default=None, repr=False, compare=False)

    def of_task(self, data: Any) -> LabellingConfig:
        """The config as the editor shows it for a task; this one where all tasks have the same.

        Args:
            data: the task's.

        Raises:
            RequestError: too much comes out of it.
        """
        if self._root is None:
            return self
        data, problems = as_object(data), list[Problem]()
        return _read_tags(write_out(self._root, data, problems), data, problems, self.from_task)

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

    def label_of(self, name: Any) -> str | None:
        """The label value that ``name`` stands for; an alias comes first, as Label Studio sends only the alias.

        None also for what is no text: whatever stands in a record where a label's name belongs may be asked for.

        Examples:
            >>> config = LabellingConfig(labels=("Hat",), aliases={"h": "Hat"})
            >>> config.label_of("h"), config.label_of("Hat"), config.label_of("Hair")
            ('Hat', 'Hat', None)
        """
        if not isinstance(name, str):
            return None
        return self.aliases.get(name) or (name if name in self.labels else None)

    def id_of(self, name: str, labels: LabelSet) -> int | None:
        """The id in ``labels``, which are the config's, of the label that ``name`` stands for."""
        label = self.label_of(name)
        return None if label is None else labels.id_of(label)

    def mask_target(self, label: str, to_name: str | None = None) -> MaskTarget | None:
        """Target of the mask of a label (value or alias) on an image; None if the config takes none of it there."""
        value = self.label_of(label)
        fitting = (target for target in self.targets if target.label == value and to_name in (None, target.to_name))
        return next(fitting, None)


@lru_cache(maxsize=64)
def parse_labelling_config(text: str | None) -> LabellingConfig:
    """Read a labelling config.

    An empty one and one without images or masks give a config without targets, they are legal in Label Studio.

    Raises:
        RequestError: the text is no XML, or XML that tries to expand entities.

    Examples:
        >>> label = '<Label value="Hat" alias="h"/>'
        >>> brush = f'<BrushLabels name="part" toName="image">{label}</BrushLabels>'
        >>> config = parse_labelling_config(f'<View><Image name="image" value="$image"/>{brush}</View>')
        >>> config.labels, config.images[0].data_key
        (('Hat',), 'image')
        >>> config.mask_target("h").type
        'brushlabels'
        >>> parse_labelling_config("<View>")
        Traceback (most recent call last):
            ...
        ihp_backend.label_studio.problems.RequestError: label_config: no element found: line 1, column 6...
    """
    if text is None or not text.strip():
        return _read(Element("View"))
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
    """The labelling config as it is without a task."""
    fields: dict[str, None] = {}
    problems: list[Problem] = []
    for element in filter(is_tag, root.iter()):
        attributes = lower_names(element.attrib)
        if is_repeater(element):
            on = attributes.get("on", "")
            fields |= dict.fromkeys(f"data.{path}" for path in paths(on))
            problems += [] if paths(on) else [without_list(on)]
        elif tag_of(element.tag.lower()).has_labels:
            fields |= dict.fromkeys(f"data.{path}" for path in task_fields(element, attributes))
    config = _read_tags(root, None, problems, tuple(fields))
    return replace(config, _root=root) if fields else config


def _read_tags(root: Element, data: Any, problems: list[Problem], fields: tuple[str, ...]) -> LabellingConfig:
    """The labelling config made of a config's tags.

    Args:
        root: of the config, with its repeaters written out where there is a task.
        data: the task's, None without one.
        problems: what was wrong already.
        fields: where labels and repeated tags come from.
    """
    tags = [(element.tag.lower(), lower_names(element.attrib), element) for element in own_tags(root)]
    images = tuple(
        ImageTag(attributes["name"], value, "valuelist" in attributes)
        for tag, attributes, element in tags
        if tag == "image" and attributes.get("name")
        if (value := attributes.get("valuelist") or value_of(element, attributes))
    )
    names = {image.name for image in images}
    prompts: list[PromptTag] = []
    with_labels: list[MaskTarget] = []
    without_labels: list[tuple[str, str, str]] = []
    shared: list[tuple[str, str, str, str]] = []
    labels: dict[str, None] = {}
    aliases: dict[str, str] = {}
    colours: dict[str, tuple[int, int, int]] = {}
    predicted_values: dict[str, tuple[str, ...]] = {}
    for tag, attributes, element in tags:
        name = attributes.get("name", "")
        to_names = [to_name for to_name in to_names_of(attributes) if name and to_name in names]
        own = list(labels_of(element, attributes, data, problems)) if to_names and tag_of(tag).has_labels else []
        for label in own:
            labels.setdefault(label.value)
            aliases.setdefault(label.returned, label.value)
            if label.colour:
                colours.setdefault(label.value, label.colour)
            if label.predicted_values:
                predicted_values.setdefault(label.value, label.predicted_values)
        for to_name in to_names:
            if tag_of(tag).prompt:
                prompts.append(PromptTag(name, to_name, tag))
            if tag_of(tag).takes_masks and not tag_of(tag).has_labels:
                without_labels.append((name, to_name, tag))
            elif tag_of(tag).takes_masks:
                with_labels += [MaskTarget(label.value, label.returned, name, to_name, tag) for label in own]
            elif tag_of(tag).is_shared:
                shared += [(label.value, label.returned, name, to_name) for label in own]
    pairs = [
        MaskTarget(value, alias, tool, to_name, kind, labels_from_name=name)
        for value, alias, name, to_name in shared
        for tool, tool_to, kind in without_labels
        if tool_to == to_name
    ]
    targets = tuple(sorted(with_labels + pairs, key=lambda target: mask_rank(target.type)))
    config = LabellingConfig(
        images,
        tuple(prompts),
        targets,
        tuple(labels),
        aliases,
        colours,
        predicted_values,
        fields,
        tuple(dict.fromkeys(problems)),
    )
    repeated = any(map(is_repeater, root.iter()))
    if not (images and targets) and (problems or not repeated):
        config = replace(config, unusable=unusable(tags, images, fields, problems, data))
    return config


Tag = tuple[str, Mapping[str, str], Element]
"""Its name and the names of its attributes in lower case."""


def unusable(
    tags: Sequence[Tag], images: Sequence[ImageTag], fields: Sequence[str], problems: Sequence[Problem], data: Any
) -> Problem | None:
    """The reason why a config has no images or no masks; None if a task may still name them.

    Args:
        tags: of the config.
        images: the image tags among them that can be used.
        fields: of the data of tasks, from which labels and repeated tags come.
        problems: with what a task's data say.
        data: the task's, None without one.
    """
    if problems:
        return problems[0]
    named = ", ".join(fields)
    if not images:
        if data is not None and fields:
            return problem(named, "no <Image> for this task", "import the task with at least one entry there")
        if any(tag == "image" for tag, _, _ in tags):
            return problem("label_config", "an <Image> without name or value", "write both into it, as ihp config does")
        return problem("label_config", "no <Image>", "add an <Image> tag; ihp config writes a whole config")
    masks = [(element.tag, attributes) for tag, attributes, element in tags if tag_of(tag).takes_masks]
    if not masks:
        first = next(tag.name for tag in LABELLING_TAGS if tag.takes_masks)
        return problem("label_config", f"no <{first}>", f"add {mask_tags_to_name()}; ihp config writes a whole config")
    names = [image.name for image in images]
    on_images = [tag for tag, attributes in masks if attributes.get("name") and {*to_names_of(attributes)} & {*names}]
    if not on_images:
        remedy = f"give it a name, and write the name of an <Image> into its toName: {', '.join(names)}"
        return problem("label_config", f"<{masks[0][0]}> on no <Image>", remedy)
    if fields and data is None:
        return None
    if fields:
        return problem(named, f"no labels for <{on_images[0]}> in this task", "import the task with labels there")
    remedy = "add <Label> tags to it; a <Brush> takes those of a <Labels> on the same <Image>"
    return problem("label_config", f"<{on_images[0]}> without labels", remedy)
