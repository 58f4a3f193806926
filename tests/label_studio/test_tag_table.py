"""The table of labelling tags fits the forms, and nobody keeps another list of tags."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from ihp_backend.label_studio.config.config_tags import MaskTarget
from ihp_backend.label_studio.config.config_writer import Masks, labelling_config
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.label_studio.config.tag_table import LABELLING_TAGS, LabellingTag, mask_tags_to_name, tag_of
from ihp_backend.label_studio.masks.mask_forms import MASK_FORMS
from ihp_backend.label_studio.masks.mask_regions import mask_regions
from ihp_backend.label_studio.masks.regions import Place, regions
from ihp_backend.labels import HELEN

PACKAGE = Path(__file__).parents[2] / "ihp_backend"
HEIGHT, WIDTH = 40, 60
RETURNED = [tag for tag in LABELLING_TAGS if tag.takes_masks]


def config_with(tag: LabellingTag) -> str:
    """A config whose masks go to that tag."""
    label = '<Label value="hat"/>'
    inner = f'<{tag.name} name="part" toName="image">{label if tag.has_labels else ""}</{tag.name}>'
    shared = "" if tag.has_labels else f'<Labels name="names" toName="image">{label}</Labels>'
    return f'<View><Image name="image" value="$image"/>{inner}{shared}</View>'


@pytest.mark.parametrize("tag", RETURNED, ids=lambda tag: tag.name)
def test_a_returned_mask_is_read_as_it_was_written(tag: LabellingTag) -> None:
    config = parse_labelling_config(config_with(tag))
    target = config.mask_target("hat", "image")
    assert target is not None
    assert target.type == tag.type
    label_map = np.zeros((HEIGHT, WIDTH), np.uint8)
    label_map[5:30, 8:50] = 1
    results = regions(label_map, {1: target}, {1: 0.5}, Place("1", "2"))
    (region,) = mask_regions(results)
    assert (region.kind, region.label) == (tag.type, "hat")
    np.testing.assert_array_equal(region.mask(), label_map == 1)


def test_a_tag_that_takes_no_masks_is_refused() -> None:
    target = MaskTarget("hat", "hat", "part", "image", "ellipselabels")
    with pytest.raises(ValueError, match="type 'ellipselabels' takes no masks"):
        regions(np.ones((HEIGHT, WIDTH), np.uint8), {1: target}, {}, Place("1", "2"))


def test_every_form_is_known_and_used() -> None:
    assert {tag.mask_form for tag in LABELLING_TAGS} - {None} == set(MASK_FORMS)
    for tag in LABELLING_TAGS:
        form = MASK_FORMS[tag.mask_form] if tag.mask_form else None
        assert tag.takes_masks <= (form is not None and form.read is not None and form.write is not None), tag.name
        assert not (tag.prompt and tag.mask_form), f"{tag.name}: a prompt is no mask"


def test_each_tag_stands_there_once() -> None:
    assert len({tag.type for tag in LABELLING_TAGS}) == len(LABELLING_TAGS)
    assert all(tag_of(tag.type) is tag for tag in LABELLING_TAGS)


@pytest.mark.parametrize("unknown", ["", "choices", "BrushLabels", None, ["brush"], {}])
def test_other_types_do_nothing(unknown: object) -> None:
    assert tag_of(unknown) == LabellingTag("")


def test_tags_are_named_for_people() -> None:
    named = re.split(r", | or ", mask_tags_to_name())
    assert named == [f"<{tag.name}>" for tag in RETURNED if tag.has_labels]
    assert named[:3] == ["<BrushLabels>", "<BitmaskLabels>", "<PolygonLabels>"]


def test_written_configs_use_tags_of_the_table() -> None:
    forms: tuple[Masks, ...] = ("BrushLabels", "BitmaskLabels", "PolygonLabels")
    for masks in forms:
        written = set(re.findall(r"<(\w+) name=\"\w+\" toName=", labelling_config(HELEN, masks=masks)))
        assert {tag_of(name.lower()).name for name in written} == written


def test_nobody_else_names_types() -> None:
    types = {tag.type for tag in LABELLING_TAGS if tag.mask_form or tag.prompt}
    naming = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text())
        of_the_table = {
            id(compared)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute)
            if node.left.attr in ("mask_form", "prompt")
            for compared in node.comparators
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in types and id(node) not in of_the_table:
                naming.add(str(file.relative_to(PACKAGE)))
    # The first two are the table and what it names; ihp doctor sends a click as the editor does.
    assert naming == {
        "label_studio/config/tag_table.py",
        "label_studio/masks/mask_forms.py",
        "doctor/photographs.py",
    }
