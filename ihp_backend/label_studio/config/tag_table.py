"""The table of labelling tags: what each of them sends, takes and holds. Everything else asks this table.

A new tag is an entry here and, where the values of its regions have a new form, an entry in ``masks/mask_forms.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PromptKind = Literal["keypoint", "box"]


@dataclass(frozen=True)
class LabellingTag:
    """A control tag of Label Studio, with which annotators label images.

    Attributes:
        name: as labelling configs write it; in lower case it is the type of the results.
        has_labels: its ``<Label>`` tags are labels of the project. Tags without get theirs from a ``<Labels>``.
        prompt: what annotators send with it, None where it sends no prompts.
        mask_form: how a region's value holds its pixels, a key of ``MASK_FORMS``; None where a region has none.
        takes_masks: the backend may return masks with it.
        outlines: its regions are outlines. One that is drawn by hand only says where a part is, unless masks are
            returned as outlines.
        silent: the editor offers a smart tool for it that sends nothing.
    """

    name: str
    has_labels: bool = False
    prompt: PromptKind | None = None
    mask_form: str | None = None
    takes_masks: bool = False
    outlines: bool = False
    silent: bool = False

    @property
    def type(self) -> str:
        """The type of its results."""
        return self.name.lower()

    @property
    def is_shared(self) -> bool:
        """Whether its labels are for other tags on the same image, as those of ``<Labels>`` are."""
        return self.has_labels and self.prompt is None and self.mask_form is None


LABELLING_TAGS = (
    LabellingTag("BrushLabels", has_labels=True, mask_form="brush", takes_masks=True, silent=True),
    LabellingTag("Brush", mask_form="brush", takes_masks=True, silent=True),
    LabellingTag("BitmaskLabels", has_labels=True, mask_form="bitmask", takes_masks=True, silent=True),
    LabellingTag("Bitmask", mask_form="bitmask", takes_masks=True, silent=True),
    LabellingTag("PolygonLabels", has_labels=True, mask_form="polygon", takes_masks=True, outlines=True),
    LabellingTag("Polygon", mask_form="polygon", outlines=True),
    LabellingTag("EllipseLabels", mask_form="ellipse", outlines=True),
    LabellingTag("Ellipse", mask_form="ellipse", outlines=True),
    LabellingTag("MagicWand", mask_form="brush"),
    LabellingTag("VectorLabels", mask_form="vector"),
    LabellingTag("Vector", mask_form="vector"),
    LabellingTag("KeyPointLabels", has_labels=True, prompt="keypoint"),
    LabellingTag("KeyPoint", prompt="keypoint"),
    LabellingTag("RectangleLabels", has_labels=True, prompt="box"),
    LabellingTag("Rectangle", prompt="box"),
    LabellingTag("Labels", has_labels=True),
)
"""All that matter here. Of several that take a label's mask, the first of these gets it: it keeps most of it."""

_BY_TYPE = {tag.type: tag for tag in LABELLING_TAGS}
_NONE = LabellingTag("")


def tag_of(type_: object) -> LabellingTag:
    """The labelling tag of a result's type or of a tag's name in lower case.

    Args:
        type_: anything that stands in a record where its type belongs.

    Returns:
        A tag without name that does nothing where the table has none.

    Examples:
        >>> tag_of("keypointlabels").prompt
        'keypoint'
        >>> tag_of("brush").takes_masks, tag_of("ellipse").takes_masks
        (True, False)
        >>> tag_of(None).name
        ''
    """
    return _BY_TYPE.get(type_, _NONE) if isinstance(type_, str) else _NONE


def mask_rank(type_: str) -> int:
    """The place in the table of a tag that takes masks; the first gets the mask."""
    return LABELLING_TAGS.index(tag_of(type_))


def mask_tags_to_name() -> str:
    """The tags to which a label can be added for its masks, for remedies: "<BrushLabels>, ... or <PolygonLabels>"."""
    names = [f"<{tag.name}>" for tag in LABELLING_TAGS if tag.takes_masks and tag.has_labels]
    return " or ".join([", ".join(names[:-1]), names[-1]])
