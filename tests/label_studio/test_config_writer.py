"""Configs that are written are read as they were meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.config.config_writer import TOOL_KEYS, hotkeys, labelling_config
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.labels import BENCHMARKS, CCP, LabelSet

EXAMPLES = Path(__file__).parents[2] / "examples" / "labelling_configs"


@pytest.mark.parametrize("bitmask", [False, True])
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_label_can_be_clicked_and_answered(name: str, bitmask: bool) -> None:
    labels = BENCHMARKS[name]
    config = parse_labelling_config(labelling_config(labels, bitmask=bitmask))
    assert config.label_set().names == labels.names
    (prompt,), (image,) = config.prompts, config.images
    assert (prompt.type, image.data_key) == ("keypointlabels", "image")
    for label in labels.names:
        target = config.mask_target(label)
        assert target is not None
        assert (target.from_name, target.type) == ("part", "bitmasklabels" if bitmask else "brushlabels")
    keys = hotkeys(labels.names)
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_example_is_what_is_written() -> None:
    """But for its comment, which is about the packaged model."""
    written, kept = (
        ElementTree.fromstring(text) for text in (labelling_config(CCP), (EXAMPLES / "ccp.xml").read_text())
    )
    for one, other in zip(written.iter(), kept.iter(), strict=True):
        assert (one.tag, one.attrib) == (other.tag, other.attrib)


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=80))
def test_any_names(names: list[str]) -> None:
    printable = [name for name in names if name.isprintable() and name.strip() == name and name != "background"]
    labels = LabelSet(("background", *printable))
    root = ElementTree.fromstring(labelling_config(labels, about="a -- comment"))
    shown = [element.attrib["value"] for element in root.iter("Label")]
    assert shown == [*labels.names, *labels.names]
    keys = [element.attrib["hotkey"] for element in root.iter("Label") if "hotkey" in element.attrib]
    assert len(set(keys)) == len(keys)
    assert not TOOL_KEYS & set(keys)
