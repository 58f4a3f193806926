"""Why no task can be answered with a labelling config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ihp_backend.label_studio.config.config_tags import MASKS, ImageTag, to_names_of
from ihp_backend.label_studio.problems import Problem, problem

Tag = tuple[str, Mapping[str, str], Element]
"""Its name and the names of its attributes in lower case."""


def unusable(
    tags: Sequence[Tag], images: Sequence[ImageTag], fields: Sequence[str], problems: Sequence[Problem], data: Any
) -> Problem | None:
    """Why a config has no images or no masks; None where a task may still say them.

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
            return problem("label_config", "an <Image> without name or value", "write both into it; see the user guide")
        return problem("label_config", "no <Image>", "add an <Image> tag; see the user guide")
    masks = [(element.tag, attributes) for tag, attributes, element in tags if tag in MASKS]
    if not masks:
        return problem("label_config", "no <BrushLabels>", "add an <BrushLabels> tag; see the user guide")
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
