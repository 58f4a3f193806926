"""Configs that are written are read as they were meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from ihp_backend.label_studio.config.config_writer import EDITOR_KEYS, TOOL_KEYS, Masks, hotkeys, labelling_config
from ihp_backend.label_studio.config.labelling_config import parse_labelling_config
from ihp_backend.labels import BENCHMARKS, CCP, LabelSet

EXAMPLES = Path(__file__).parents[2] / "examples" / "labelling_configs"


@pytest.mark.parametrize("masks", ["BrushLabels", "BitmaskLabels", "PolygonLabels"])
@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_label_can_be_clicked_and_answered(name: str, masks: Masks) -> None:
    labels = BENCHMARKS[name]
    config = parse_labelling_config(labelling_config(labels, masks=masks))
    assert config.label_set().names == labels.names
    (prompt,), (image,) = config.prompts, config.images
    assert (prompt.type, image.data_key) == ("keypointlabels", "image")
    for label in labels.names:
        target = config.mask_target(label)
        assert target is not None
        assert (target.from_name, target.type) == ("part", masks.lower())
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


def written_keys(labels: LabelSet) -> tuple[list[str | None], list[str | None]]:
    """The hotkeys of the clicked and of the hidden labels."""
    keys = [element.get("hotkey") for element in ElementTree.fromstring(labelling_config(labels)).iter("Label")]
    return keys[: len(labels)], keys[len(labels) :]


@pytest.mark.parametrize("count", [1, 27, 28, 40, 101, 102])
def test_a_hundred_labels_have_keys_that_can_be_typed(count: int) -> None:
    labels = LabelSet(("background", *(f"part {number}" for number in range(1, count))))
    visible, hidden = written_keys(labels)
    assert None not in visible
    assert len({*visible, *hidden}) == 2 * count
    assert not EDITOR_KEYS & {*visible, *hidden}
    for key in visible:
        *held, last = str(key).split("+")
        assert held in ([], ["shift"], ["alt", "shift"], ["alt"])
        assert len(last) == 1
        assert last.isascii()
        assert last.isalnum()
    assert "Without a handy hotkey" not in labelling_config(labels)


def test_labels_without_a_handy_hotkey_are_named_and_get_no_key_of_a_tool() -> None:
    labels = LabelSet(("background", *(f"part-{number:-^9}" for number in range(1, 150))))
    text = labelling_config(labels)
    ElementTree.fromstring(text)
    visible, hidden = written_keys(labels)
    handy = hotkeys(labels.names)
    unhandy = [name for name, key in zip(labels.names, handy, strict=True) if key is None]
    assert len(unhandy) == 150 - 102
    comment = text[: text.index("-->")]
    assert comment.replace(" ", "").endswith(",".join(unhandy) + ".")
    assert None not in [*visible, *hidden]  # Label Studio would give such a label the key of a tool.
    assert len({*visible, *hidden}) == 300


def test_every_label_set_is_written() -> None:
    labels = LabelSet(("background", *(f"part {number}" for number in range(1, 255))))
    visible, hidden = written_keys(labels)
    assert None not in hidden
    given_keys = [key for key in (*visible, *hidden) if key]
    assert len(set(given_keys)) == len(given_keys)


@given(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=80))
def test_any_names(names: list[str]) -> None:
    printable = [name for name in names if name.isprintable() and name.strip() == name and name != "background"]
    labels = LabelSet(("background", *printable))
    root = ElementTree.fromstring(labelling_config(labels))
    shown = [element.attrib["value"] for element in root.iter("Label")]
    assert shown == [*labels.names, *labels.names]
    keys = [element.attrib["hotkey"] for element in root.iter("Label") if "hotkey" in element.attrib]
    assert len(set(keys)) == len(keys)
    assert not TOOL_KEYS & set(keys)
